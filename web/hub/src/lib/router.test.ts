import { describe, expect, it } from "vitest";
import { match, withParams, type Routes } from "./router";

const routes: Routes = [
  ["/", "home"],
  ["/r/:account/:name", "repository"],
  ["/r/:account/:name/tags/:tag", "tag"],
];

describe("match", () => {
  it("takes segments as parameters, decoded", () => {
    expect(match(routes, "/r/library/a%20b")).toEqual({
      page: "repository",
      params: { account: "library", name: "a b" },
    });
  });
  it("ignores a slash at the end", () => {
    expect(match(routes, "/r/a/b/tags/1.0/")?.page).toBe("tag");
  });
  it("knows no page for other addresses, nor for broken escapes", () => {
    expect(match(routes, "/x")).toBeNull();
    expect(match(routes, "/r/a/%E0%A4%A")).toBeNull();
  });
});

describe("withParams", () => {
  it("sets, replaces and removes", () => {
    expect(withParams("/explore", "?q=a&page=2", { page: null, sort: "pulls" })).toBe(
      "/explore?q=a&sort=pulls",
    );
    expect(withParams("/explore", "?q=a", { q: "" })).toBe("/explore");
  });
});
