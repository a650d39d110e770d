/** A problem of the Service in the language of the page: by its code, else the sentence that the Service sent. */
import type { Problem } from "../api/http.ts";
import { formatCountdown, formatNumber, type Language } from "../lib/format.ts";
import type { Catalogue } from "./en.ts";

export function problemText(problem: Problem, t: Catalogue, language: Language): string {
  const { attempts_left: attempts, retry_after_s: wait, limit } = problem.extra;
  const code = problem.code === "wrong_code" && typeof attempts === "number" ? "wrong_code_left" : problem.code;
  const template = (t.errors as Record<string, string | undefined>)[code];
  const values: Record<string, string | undefined> = {
    attempts: typeof attempts === "number" ? String(attempts) : undefined,
    wait: typeof wait === "number" ? formatCountdown(wait) : undefined,
    limit: typeof limit === "string" ? formatNumber(limit, language) : undefined,
  };
  const filled = template && fill(template, values);
  return filled || problem.detail || t.errors.server_error;
}

/** The template with its values; `null` when one of them is not known. */
export function fill(template: string, values: Record<string, string | undefined>): string | null {
  let whole = true;
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) whole = false;
    return value ?? "";
  });
  return whole ? text : null;
}

/** Words for a value that the Service names, such as a status; an unknown one is shown as it is. */
export function named(words: Record<string, string>, value: string): string {
  return words[value] ?? value.replaceAll("_", " ");
}

/** A phrase of the Service with a capital at its beginning, as it stands on its own. */
export function sentence(phrase: string): string {
  return phrase.slice(0, 1).toLocaleUpperCase() + phrase.slice(1);
}
