import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeResult } from "../../src/engine/stored-result.ts";

const cycle: unknown[] = [];
cycle.push(cycle);

describe("a result", () => {
  it("is absent when it is undefined", () => {
    expect(storeResult(undefined)).toEqual({ kept: "nothing" });
  });

  it("is kept as a copy of its JSON form", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const kept = storeResult(value);
        const encoded = JSON.stringify(value);
        const bytes = Buffer.byteLength(encoded);
        expect(kept).toEqual({ kept: "result", result: JSON.parse(encoded), bytes });
        if (kept.kept === "result" && typeof value === "object" && value !== null) expect(kept.result).not.toBe(value);
      }),
    );
  });

  it("is independent of later changes to the original", () => {
    const value = { list: [1] };
    const kept = storeResult(value);
    value.list.push(2);
    expect(kept).toEqual({ kept: "result", result: { list: [1] }, bytes: 12 });
  });

  it.each([
    ["a big integer", 1n, "The result has no JSON form"],
    ["a big integer inside", { list: [1n] }, "The result has no JSON form"],
    ["a cycle", cycle, "The result has no JSON form"],
    ["a function", () => {}, "A function has no JSON form"],
    ["a symbol", Symbol("x"), "A symbol has no JSON form"],
    ["an object whose `toJSON` returns undefined", { toJSON: () => undefined }, "A object has no JSON form"],
  ])("such as %s is not kept, and the error gives the reason", (_, value, message) => {
    const kept = storeResult(value);
    expect(kept).toMatchObject({
      kept: "not",
      error: { name: "ResultNotKeptError", code: "result-not-kept", message },
    });
  });

  it("is not kept if it throws a value that is no error, and that value is the cause", () => {
    const cause: unknown = "no";
    const value = {
      toJSON() {
        throw cause;
      },
    };
    expect(storeResult(value)).toMatchObject({ kept: "not", error: { cause } });
  });

  it("is kept up to 100 levels deep, because a duplicate could not return a deeper one", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) });
    expect(storeResult(nested(100)).kept).toBe("result");
    const message = "The result is nested more than 100 levels deep";
    for (const levels of [101, 2_000])
      expect(storeResult(nested(levels))).toMatchObject({ kept: "not", error: { message } });
  });

  it("is kept up to 64 KiB of JSON in UTF-8", () => {
    const quotes = 2;
    expect(storeResult("x".repeat(65_536 - quotes)).kept).toBe("result");
    expect(storeResult("ü".repeat(32_768 - quotes / 2)).kept).toBe("result");
    const message = "The result has 65537 bytes as JSON; at most 65536 are kept";
    expect(storeResult("x".repeat(65_537 - quotes))).toMatchObject({ kept: "not", error: { message } });
    expect(storeResult("ü".repeat(32_768)).kept).toBe("not");
  });

  it("does not appear in the error", () => {
    const kept = storeResult({ secret: "s3cret", big: "x".repeat(70_000) });
    if (kept.kept !== "not") throw new Error("unreachable");
    expect(kept.error.message).not.toContain("s3cret");
  });
});
