import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { MemoryRouter } from "react-router";
import { expect, test, vi } from "vitest";
import { catalogues, LanguageProvider } from "../i18n/index.tsx";
import type { Language } from "../lib/format.ts";
import Security from "./Security.tsx";

const chosen = vi.hoisted(() => ({ language: "en" as Language }));
vi.mock("../app/preferences.tsx", () => ({ usePreferences: () => chosen }));

/** The page as a visitor of this language gets it. */
function page(language: Language): string {
  chosen.language = language;
  const inLanguage = createElement(LanguageProvider, null, createElement(Security));
  return renderToStaticMarkup(createElement(MemoryRouter, null, inLanguage));
}

/** Whether the page shows this text, as React writes it. */
const shows = (html: string, text: string) => html.includes(renderToStaticMarkup(createElement("p", null, text)).slice(3, -4));

// Mechanism: `web/src/pages/Security.tsx`
// Control: what the texts do not say is not found on the page, nor what the other language says.
test("clause_10_the_page_says_what_is_protected_and_what_is_not", () => {
  const languages: Language[] = ["en", "uk"];
  for (const language of languages) {
    const { protected: kept, limits, breachText, reportText } = catalogues[language].security;
    const html = page(language);
    for (const text of [...kept.flat(), ...limits.flat(), breachText, reportText]) expect([text, shows(html, text)]).toEqual([text, true]);
    expect(limits.length).toBeGreaterThanOrEqual(5);
    expect(limits.every((point) => point.length === 2)).toBe(true);
  }
  expect(shows(page("en"), "No transmission over a network is absolutely safe.")).toBe(true);
  expect(shows(page("en"), "Everything is absolutely safe.")).toBe(false);
  expect(shows(page("en"), catalogues.uk.security.limitsTitle)).toBe(false);
});
