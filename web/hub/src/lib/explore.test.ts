import { describe, expect, it } from "vitest";
import { askedFor, hasFilters, isFrontPage, toggled } from "./explore";

describe("askedFor", () => {
  it("sorts by pulls unless a word is searched", () => {
    expect(askedFor(new URLSearchParams("")).sort).toBe("pulls");
    expect(askedFor(new URLSearchParams("q=web")).sort).toBe("best");
    expect(askedFor(new URLSearchParams("q=web&sort=name")).sort).toBe("name");
  });
  it("takes nonsense for nothing", () => {
    const asked = askedFor(new URLSearchParams("page=-3&sort=%27;drop&official=1"));
    expect(asked).toMatchObject({ page: 1, sort: "pulls", official: false });
  });
});

it("knows the front page and filters", () => {
  expect(isFrontPage(new URLSearchParams("q="))).toBe(true);
  expect(hasFilters(new URLSearchParams("q=x"))).toBe(false);
  expect(hasFilters(new URLSearchParams("os=linux"))).toBe(true);
});

it("toggles values of a list", () => {
  expect(toggled("", "a")).toBe("a");
  expect(toggled("a,b", "a")).toBe("b");
  expect(toggled("a", "b")).toBe("a,b");
});
