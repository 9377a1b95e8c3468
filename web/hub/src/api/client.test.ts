import { expect, it } from "vitest";
import { path, query } from "./client";

it("escapes values of a path", () => {
  expect(path`/repositories/${"a/../b"}/${"ü"}`).toBe("/repositories/a%2F..%2Fb/%C3%BC");
});
it("leaves empty parameters out", () => {
  expect(query({ q: "a b", page: 2, official: false, sort: "" })).toBe("?q=a+b&page=2");
  expect(query({})).toBe("");
});
