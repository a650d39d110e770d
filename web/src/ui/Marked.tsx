/** A line of Markdown that has code spans and emphasis only. */
export function Marked({ text }: { text: string }) {
  return text.split(/(`[^`]+`|\*[^*]+\*)/).map((part, at) => {
    const inner = part.slice(1, -1);
    // The parts never change places.
    if (part.startsWith("`")) return <code key={at}>{inner}</code>;
    if (part.startsWith("*")) return <em key={at}>{inner}</em>;
    return part;
  });
}
