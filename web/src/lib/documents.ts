import type { Language } from "./format.ts";

/** Where the Service shows its documents: plain pages of its own, so a link there leaves this application. */
export function documents(language: Language, page = ""): string {
  const start = language === "uk" ? "/uk/documents" : "/documents";
  return page ? `${start}/${page}` : start;
}
