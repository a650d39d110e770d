/** The language of the page: kept in memory only, from the browser's preference at first. */
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import type { Problem } from "../api/http.ts";
import * as format from "../lib/format.ts";
import { usePreferences } from "../app/preferences.tsx";
import { en } from "./en.ts";
import type { Catalogue } from "./en.ts";
import { problemText } from "./problem.ts";
import { uk } from "./uk.ts";

export const catalogues: Record<format.Language, Catalogue> = { en, uk };

/** Language names as their speakers write them. */
export const languageNames: Record<format.Language, string> = { en: "English", uk: "Українська" };

export interface Localised {
  t: Catalogue;
  language: format.Language;
  number: (text: string, style?: format.NumberStyle) => string;
  compact: (text: string) => string;
  rate: (fraction: string) => string;
  dateTime: (at: string | number) => string;
  date: (at: string | number) => string;
  time: (at: string | number) => string;
  problem: (problem: Problem) => string;
}

const LanguageContext = createContext<Localised | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const { language } = usePreferences();
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo<Localised>(
    () => ({
      t: catalogues[language],
      language,
      number: (text, style) => format.formatNumber(text, language, style),
      compact: (text) => format.formatCompact(text, language),
      rate: (fraction) => format.formatRate(fraction, language),
      dateTime: (at) => format.formatDateTime(at, language),
      date: (at) => format.formatDate(at, language),
      time: (at) => format.formatTime(at, language),
      problem: (problem) => problemText(problem, catalogues[language], language),
    }),
    [language],
  );
  return <LanguageContext value={value}>{children}</LanguageContext>;
}

export function useI18n(): Localised {
  const value = useContext(LanguageContext);
  if (!value) throw new Error("LanguageProvider is missing");
  return value;
}
