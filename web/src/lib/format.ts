/** Numbers, amounts and times as a person of a language reads them. Values stay strings: Intl formats them exactly. */
import { type Decimal, decimal, parseDecimal, roundDown, strip, toText } from "./decimal.ts";

export type Language = "en" | "uk";

/** BCP 47 tags used for Intl. British English: day before month, 24-hour clock. */
const tags: Record<Language, string> = { en: "en-GB", uk: "uk-UA" };

const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

function numberFormat(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let format = numberFormats.get(key);
  if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(tags[language], options)));
  return format;
}

function dateFormat(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let format = dateFormats.get(key);
  if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(tags[language], options)));
  return format;
}

export interface NumberStyle {
  /** Exactly this many decimals; more are cut, never rounded up. */
  decimals?: number;
  /** At least this many decimals; further ones show when they are not zero. */
  decimalsMin?: number;
  /** `+` before what is above zero. */
  signed?: boolean;
}

export function formatDecimal(value: Decimal, language: Language, style: NumberStyle = {}): string {
  const shown =
    style.decimals !== undefined ? roundDown(value, style.decimals) : strip(value, style.decimalsMin ?? 0);
  const scale = Math.max(shown.scale, style.decimalsMin ?? 0);
  return numberFormat(language, {
    minimumFractionDigits: scale,
    maximumFractionDigits: scale,
    signDisplay: style.signed ? "exceptZero" : "negative",
  })
    .format(toText(shown) as Intl.StringNumericLiteral)
    .replace("-", "−");
}

/** Formats a decimal string of the Service; a text that is none is shown as it came. */
export function formatNumber(text: string, language: Language, style: NumberStyle = {}): string {
  const value = parseDecimal(text);
  return value ? formatDecimal(value, language, style) : text;
}

/** A fee or change as percent: `formatRate("0.002")` is `0.2 %`. */
export function formatRate(fraction: string, language: Language): string {
  const value = decimal(fraction);
  return `${formatDecimal(strip({ units: value.units * 100n, scale: value.scale }), language)} %`;
}

/** Four figures with a letter (`1.25M`), for volumes in narrow columns; the exact value goes to the title. */
export function formatCompact(text: string, language: Language): string {
  return numberFormat(language, { notation: "compact", maximumSignificantDigits: 4 }).format(
    text as Intl.StringNumericLiteral,
  );
}

export function formatInteger(value: number, language: Language): string {
  return numberFormat(language, { maximumFractionDigits: 0 }).format(value);
}

export function formatDateTime(at: string | number, language: Language): string {
  return dateFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(at));
}

export function formatDate(at: string | number, language: Language): string {
  return dateFormat(language, { dateStyle: "long" }).format(new Date(at));
}

export function formatTime(at: string | number, language: Language): string {
  return dateFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(at));
}

/** `4:05` for 245 seconds. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * What a person typed, as a plain decimal string; `null` when it cannot be read without guessing.
 *
 * Spaces group digits. In Ukrainian a comma is the decimal sign; in English it groups thousands and must
 * then stand where a group ends. A point is the decimal sign in both.
 */
export function readAmount(typed: string, language: Language): string | null {
  let text = typed.trim().replace(/[\s\u00a0\u202f]/g, "");
  if (language === "uk") {
    if (text.includes(",") && text.includes(".")) return null;
    text = text.replace(",", ".");
  } else if (text.includes(",")) {
    if (!/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(text)) return null;
    text = text.replaceAll(",", "");
  }
  if (text.startsWith(".")) text = `0${text}`;
  if (text.endsWith(".")) text = text.slice(0, -1);
  const value = parseDecimal(text);
  return value && !text.startsWith("-") ? toText(value) : null;
}

/** A plain decimal string as it stands in an input of this language: no grouping, its decimal sign. */
export function writeAmount(text: string, language: Language): string {
  return language === "uk" ? text.replace(".", ",") : text;
}

/** `sha256:8a1f…` → `8a1f0c2b9d3e`. */
export function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, "").slice(0, 12);
}
