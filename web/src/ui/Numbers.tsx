/** Numbers as content: exact, tabular, aligned, with sign and arrow where colour speaks. */
import { useEffect, useRef, useState } from "react";
import { compare, isZero, parseDecimal, roundDown } from "../lib/decimal.ts";
import { useI18n } from "../i18n/index.tsx";

/** An amount with the decimals of its asset at least, and every further digit that is not zero. */
export function Amount({ value, asset, decimals = 2, signed }: { value: string; asset?: string; decimals?: number; signed?: boolean }) {
  const { number } = useI18n();
  return (
    <span className="nowrap">
      {number(value, { decimalsMin: decimals, signed })}
      {asset && ` ${asset}`}
    </span>
  );
}

/** The same, its decimal sign standing under those of other rows: the fraction takes `width` digits' room. */
export function AlignedAmount({ value, decimals, width }: { value: string; decimals: number; width: number }) {
  const { number } = useI18n();
  const text = number(value, { decimalsMin: decimals });
  const at = Math.max(text.lastIndexOf("."), text.lastIndexOf(","));
  const cut = at < 0 || decimals === 0 ? text.length : at;
  return (
    <span className="aligned">
      <span>{text.slice(0, cut)}</span>
      <span style={{ width: `${width + 0.5}ch` }}>{text.slice(cut)}</span>
    </span>
  );
}

/** A change in percent: arrow, sign and colour. */
export function Change({ percent }: { percent: string }) {
  const { number } = useI18n();
  const value = parseDecimal(percent);
  if (!value) return <span className="faint">–</span>;
  // What shows as 0.00 has neither risen nor fallen for the eye.
  const still = isZero(roundDown(value, 2));
  const up = value.units > 0n;
  return (
    <span className={still ? "soft" : up ? "gain" : "loss"}>
      <span aria-hidden="true">{still ? "" : up ? "▲ " : "▼ "}</span>
      {number(percent, { decimals: 2, signed: !still })} %
    </span>
  );
}

/** A price that fades shortly when it changes. */
export function LivePrice({ value, decimals }: { value: string; decimals: number }) {
  const { number } = useI18n();
  const before = useRef(value);
  const [change, setChange] = useState({ round: 0, direction: "" });
  useEffect(() => {
    const [old, now] = [parseDecimal(before.current), parseDecimal(value)];
    before.current = value;
    if (!old || !now || compare(now, old) === 0) return;
    const direction = compare(now, old) > 0 ? "changed-up" : "changed-down";
    setChange((was) => ({ round: was.round + 1, direction }));
  }, [value]);
  return (
    <span key={change.round} className={change.direction}>
      {number(value, { decimals })}
    </span>
  );
}
