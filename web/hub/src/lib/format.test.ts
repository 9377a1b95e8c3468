import { describe, expect, it } from "vitest";
import { age, bytes, count, shortDigest } from "./format";

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 KB"],
    [28_164_239, "28 MB"],
    [999_600, "1.0 MB"],
    [4_200_000_000_000, "4.2 TB"],
  ])("%i is %s", (size, text) => expect(bytes(size)).toBe(text));
});

describe("age", () => {
  const now = Date.parse("2026-11-30T12:00:00Z");
  it("counts in the largest unit", () => {
    expect(age("2026-11-27T12:00:00Z", "en", now)).toBe("3 days ago");
    expect(age("2026-11-27T12:00:00Z", "ko", now)).toBe("3일 전");
    expect(age("2026-11-30T11:59:30Z", "en", now)).toBe("now");
    expect(age("2027-01-30T12:00:00Z", "en", now)).toBe("in 2 months");
  });
});

describe("count", () => {
  it("follows the language", () => {
    expect(count(12_345, "en")).toBe("12.3K");
    expect(count(12_345, "ko")).toBe("1.2만");
  });
});

it("shortens digests", () => expect(shortDigest("sha256:0123456789abcdef")).toBe("0123456789ab"));
