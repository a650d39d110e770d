/**
 * Language and theme. Nothing is stored: no cookie, no localStorage. They live in memory, and in the
 * state of the tab's own history entry so that a reload keeps them; both go when the tab closes.
 */
import { createContext, type ReactNode, useContext, useEffect, useLayoutEffect, useMemo, useState } from "react";
import type { Language } from "../lib/format.ts";

export type Theme = "auto" | "light" | "dark";

interface Preferences {
  language: Language;
  theme: Theme;
  setLanguage: (language: Language) => void;
  setTheme: (theme: Theme) => void;
}

const PreferencesContext = createContext<Preferences | null>(null);

function preferredLanguage(): Language {
  for (const tag of navigator.languages) {
    if (tag.startsWith("uk")) return "uk";
    if (tag.startsWith("en")) return "en";
  }
  return "en";
}

function kept(): { language?: Language; theme?: Theme } {
  const state = window.history.state as { preferences?: { language?: unknown; theme?: unknown } } | null;
  const { language, theme } = state?.preferences ?? {};
  return {
    language: language === "en" || language === "uk" ? language : undefined,
    theme: theme === "light" || theme === "dark" || theme === "auto" ? theme : undefined,
  };
}

export function PreferencesProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(() => kept().language ?? preferredLanguage());
  const [theme, setTheme] = useState<Theme>(() => kept().theme ?? "auto");

  // Before any other effect: a chart reads its colours from the page when the theme changes.
  useLayoutEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);

  useEffect(() => {
    const keep = () =>
      window.history.replaceState({ ...(window.history.state as object | null), preferences: { language, theme } }, "");
    window.addEventListener("pagehide", keep);
    window.addEventListener("beforeunload", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      window.removeEventListener("beforeunload", keep);
    };
  }, [language, theme]);

  const value = useMemo(() => ({ language, theme, setLanguage, setTheme }), [language, theme]);
  return <PreferencesContext value={value}>{children}</PreferencesContext>;
}

export function usePreferences(): Preferences {
  const value = useContext(PreferencesContext);
  if (!value) throw new Error("PreferencesProvider is missing");
  return value;
}
