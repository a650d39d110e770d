/**
 * Exact decimal numbers for money, prices and quantities.
 *
 * A value is `units / 10^scale` with `units` a BigInt. Nothing here touches a float. It knows no
 * currency, locale or rounding policy of the exchange: each narrowing names its rounding.
 */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** Digits that an amount may have in all; a longer text is refused, not truncated. */
export const decimalDigitsMax = 60;

export const zero: Decimal = { units: 0n, scale: 0 };

const shape = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Parses a plain decimal string (`-12.50`). Anything else, exponents included, is `null`. */
export function parseDecimal(text: string): Decimal | null {
  if (text.length > decimalDigitsMax) return null;
  const match = shape.exec(text);
  if (!match) return null;
  const fraction = match[3] ?? "";
  const units = BigInt(`${match[2]}${fraction}`);
  return { units: match[1] ? -units : units, scale: fraction.length };
}

/** Parses a string that the Service sent. A malformed one is a broken contract and throws. */
export function decimal(text: string): Decimal {
  const value = parseDecimal(text);
  if (!value) throw new Error(`not a decimal: ${text}`);
  return value;
}

function power(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.units * power(scale - a.scale), b.units * power(scale - b.scale), scale];
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x + y, scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = aligned(a, b);
  return { units: x - y, scale };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** `a / b` with `scale` decimals, rounded toward zero. `null` when `b` is zero. */
export function divideDown(a: Decimal, b: Decimal, scale: number): Decimal | null {
  if (b.units === 0n) return null;
  const numerator = a.units * power(scale + b.scale);
  return { units: numerator / (b.units * power(a.scale)), scale };
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compare(a: Decimal, b: Decimal): number {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function isZero(a: Decimal): boolean {
  return a.units === 0n;
}

export function isNegative(a: Decimal): boolean {
  return a.units < 0n;
}

export function minimum(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) <= 0 ? a : b;
}

/** The same value with exactly `scale` decimals, rounded toward zero. */
export function roundDown(a: Decimal, scale: number): Decimal {
  if (a.scale <= scale) return { units: a.units * power(scale - a.scale), scale };
  return { units: a.units / power(a.scale - scale), scale };
}

/** The same value with exactly `scale` decimals, rounded away from zero. */
export function roundUp(a: Decimal, scale: number): Decimal {
  const down = roundDown(a, scale);
  if (compare(down, a) === 0) return down;
  return { units: down.units + (a.units < 0n ? -1n : 1n), scale };
}

/** The greatest multiple of `step` that is not above `a` (both non-negative). */
export function floorToStep(a: Decimal, step: Decimal): Decimal {
  const [x, y, scale] = aligned(a, step);
  if (y <= 0n) return a;
  return strip({ units: x - (x % y), scale }, step.scale);
}

/** Whether `a` is a whole number of `step`s. */
export function isMultiple(a: Decimal, step: Decimal): boolean {
  const [x, y] = aligned(a, step);
  return y > 0n && x % y === 0n;
}

/** Drops trailing zeros, keeping at least `scaleMin` decimals. */
export function strip(a: Decimal, scaleMin = 0): Decimal {
  let { units, scale } = a;
  while (scale > scaleMin && units % 10n === 0n) {
    units /= 10n;
    scale -= 1;
  }
  return { units, scale };
}

/** The plain decimal string, as the Service reads it. */
export function toText(a: Decimal): string {
  const sign = a.units < 0n ? "-" : "";
  const digits = (a.units < 0n ? -a.units : a.units).toString().padStart(a.scale + 1, "0");
  if (a.scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -a.scale)}.${digits.slice(-a.scale)}`;
}

/** Decimals that a step such as `0.01` leaves visible: 2. */
export function stepScale(step: string): number {
  return strip(decimal(step)).scale;
}

/** For drawing only (charts, bars): never for a value that is sent or shown as text. */
export function toPixels(a: Decimal): number {
  return Number(toText(a));
}
