import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import type { Language } from "../lib/format";
import { chooseLanguage, render, type Values } from "./render";
import type { TextKey } from "./texts";

const KEY = "hub.language";

interface Texts {
  language: Language;
  setLanguage: (language: Language) => void;
  t: (key: TextKey, values?: Values) => string;
}

const Context = createContext<Texts | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, keep] = useState(() =>
    chooseLanguage(localStorage.getItem(KEY), navigator.languages),
  );
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const setLanguage = useCallback((chosen: Language) => {
    localStorage.setItem(KEY, chosen);
    keep(chosen);
  }, []);
  const value = useMemo<Texts>(
    () => ({ language, setLanguage, t: (key, values) => render(language, key, values) }),
    [language, setLanguage],
  );
  return <Context value={value}>{children}</Context>;
}

export function useTexts(): Texts {
  const value = use(Context);
  if (!value) throw new Error("useTexts outside of LanguageProvider");
  return value;
}
