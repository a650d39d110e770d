/** Checks the amount of a deposit or withdrawal as it is typed. Pure; the page has the words. */
import type { Range } from "../api/types.ts";
import { compare, type Decimal, decimal, isZero, roundDown, strip, toText } from "../lib/decimal.ts";
import { type Language, readAmount } from "../lib/format.ts";

export type AmountFault = "empty" | "unreadable" | "zero" | "decimals" | "low" | "high" | "balance";

export interface CheckedAmount {
  fault: AmountFault | null;
  /** What would be sent; `null` while the amount is not sound. */
  text: string | null;
}

export function checkAmount(
  typed: string,
  language: Language,
  decimals: number,
  range: Range | undefined,
  available: Decimal | null,
): CheckedAmount {
  const refuse = (fault: AmountFault): CheckedAmount => ({ fault, text: null });
  if (typed.trim() === "") return refuse("empty");
  const read = readAmount(typed, language);
  if (read === null) return refuse("unreadable");
  const amount = decimal(read);
  if (isZero(amount)) return refuse("zero");
  if (strip(amount).scale > decimals) return refuse("decimals");
  if (range && compare(amount, decimal(range.min)) < 0) return refuse("low");
  if (range && compare(amount, decimal(range.max)) > 0) return refuse("high");
  if (available && compare(amount, available) > 0) return refuse("balance");
  return { fault: null, text: toText(roundDown(amount, decimals)) };
}

/** Amounts to offer at one click: round multiples of the least, no more than the greatest. */
export function quickAmounts(range: Range): string[] {
  const least = decimal(range.min);
  const factors = [2n, 5n, 10n, 25n, 50n];
  return factors
    .map((factor) => ({ units: least.units * factor, scale: least.scale }))
    .filter((value) => compare(value, decimal(range.max)) <= 0)
    .map((value) => toText(strip(value)));
}
