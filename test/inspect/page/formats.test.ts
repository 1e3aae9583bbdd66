import { describe, expect, it } from "vitest";
import { exactTime, rate, shortKey, span, time } from "../../../src/inspect/page/state/formats.ts";

describe("a duration", () => {
  it.each([
    [0, "0 ms"],
    [0.34, "0.3 ms"],
    [42.4, "42 ms"],
    [1_000, "1 s"],
    [4_240, "4.2 s"],
    [42_000, "42 s"],
    [600_000, "10 min"],
    [10_800_000, "3 h"],
    [432_000_000, "5 d"],
  ])("is formatted: %d ms as %s", (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});

it("a time is an offset in a simulated run, and otherwise a time of day", () => {
  expect(time(1_234)).toBe("1.234 s");
  expect(exactTime(1_234)).toBe("1.234 s");
  const atMs = new Date(2026, 10, 24, 9, 5, 7, 42).getTime();
  expect(time(atMs)).toBe("09:05:07");
  expect(exactTime(atMs)).toBe("09:05:07.042");
});

it("a rate of zero is empty, and a small rate has a decimal", () => {
  expect([0, 0.2, 0.97, 1_234.4].map(rate)).toEqual(["", "0.2/s", "1/s", "1,234/s"]);
});

it("a store key is shortened to the start of its digest", () => {
  expect(shortKey("w.s.0123456789abcdefghij")).toBe("0123456789ab…");
  expect(shortKey("evt-1")).toBe("evt-1");
});
