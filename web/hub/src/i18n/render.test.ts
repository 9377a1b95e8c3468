import { describe, expect, it } from "vitest";
import { chooseLanguage, render } from "./render";
import { texts } from "./texts";

describe("texts", () => {
  it("have the same placeholders in both languages", () => {
    const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, [en, ko]] of Object.entries(texts)) {
      expect(placeholders(ko), key).toEqual(placeholders(en));
    }
  });
});

describe("render", () => {
  it("fills in values", () => {
    expect(render("en", "explore.for", { q: "{x}" })).toBe("for “{x}”");
    expect(render("ko", "explore.results", { count: 3 })).toBe("결과 3개");
  });
});

describe("chooseLanguage", () => {
  it("takes the choice, then the browser's first known language, then English", () => {
    expect(chooseLanguage("ko", ["en-US"])).toBe("ko");
    expect(chooseLanguage(null, ["fr", "ko-KR", "en"])).toBe("ko");
    expect(chooseLanguage("xx", ["fr"])).toBe("en");
  });
});
