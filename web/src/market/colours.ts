/** The theme's colours as the canvas needs them: plain `rgb()` texts, read from the tokens in force. */
export interface Colours {
  inkSoft: string;
  inkFaint: string;
  line: string;
  lineStrong: string;
  gain: string;
  loss: string;
  font: string;
}

export function readColours(beside: HTMLElement): Colours {
  const probe = document.createElement("span");
  beside.append(probe);
  const read = (token: string) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    inkSoft: read("--ink-soft"),
    inkFaint: read("--ink-faint"),
    line: read("--line"),
    lineStrong: read("--line-strong"),
    gain: read("--gain"),
    loss: read("--loss"),
    font: getComputedStyle(probe).fontFamily,
  };
  probe.remove();
  return colours;
}
