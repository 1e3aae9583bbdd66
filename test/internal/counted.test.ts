import { expect, it } from "vitest";
import { amount, counted } from "../../src/internal/counted.ts";

it("a count of one is in the singular", () => {
  expect([counted(1, "key"), counted(2, "key"), counted(1_000, "entry", "entries")]).toEqual([
    "1 key",
    "2 keys",
    "1,000 entries",
  ]);
});

it("an amount is a whole number with grouped digits", () => {
  expect([0, 999, 1_204, 1_234_567.4].map(amount)).toEqual(["0", "999", "1,204", "1,234,567"]);
});
