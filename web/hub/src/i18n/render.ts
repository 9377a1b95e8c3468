import type { Language } from "../lib/format";
import { texts, type TextKey } from "./texts";

export type Values = Record<string, string | number>;

/** A text with its placeholders filled; an unknown placeholder stays as it is. */
export function render(language: Language, key: TextKey, values: Values = {}): string {
  const text = texts[key][language === "ko" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The site's language for what a browser prefers; a choice made here counts more. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (stored === "en" || stored === "ko") return stored;
  for (const tag of preferred) {
    if (/^ko\b/i.test(tag)) return "ko";
    if (/^en\b/i.test(tag)) return "en";
  }
  return "en";
}
