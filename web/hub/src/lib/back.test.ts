import { expect, it } from "vitest";
import { placeToReturn } from "./back";

it.each([
  [null, "/"],
  ["/r/a/b?x=1", "/r/a/b?x=1"],
  ["//evil.example", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/sign-up", "/"],
])("%s leads to %s", (back, place) => expect(placeToReturn(back)).toBe(place));
