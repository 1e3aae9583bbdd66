import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeResult } from "../../src/engine/stored-result.ts";

const cycle: unknown[] = [];
cycle.push(cycle);

const ADVICE = "Return a smaller or plainer value, or set `keepResult: false`";

describe("a result", () => {
  it("is absent when it is undefined", () => {
    expect(storeResult(undefined)).toEqual({ state: "none" });
  });

  it("is kept as a copy of its JSON form", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const stored = storeResult(value);
        const encoded = JSON.stringify(value);
        const bytes = Buffer.byteLength(encoded);
        expect(stored).toEqual({ state: "stored", result: JSON.parse(encoded), bytes });
        if (stored.state === "stored" && typeof value === "object" && value !== null)
          expect(stored.result).not.toBe(value);
      }),
    );
  });

  it("is independent of later changes to the original", () => {
    const value = { list: [1] };
    const stored = storeResult(value);
    value.list.push(2);
    expect(stored).toEqual({ state: "stored", result: { list: [1] }, bytes: 12 });
  });

  it.each([
    ["a big integer", 1n, `The result has no JSON form. ${ADVICE}`],
    ["a big integer inside", { list: [1n] }, `The result has no JSON form. ${ADVICE}`],
    ["a cycle", cycle, `The result has no JSON form. ${ADVICE}`],
    ["a function", () => {}, `A value of type function has no JSON form. ${ADVICE}`],
    ["a symbol", Symbol("x"), `A value of type symbol has no JSON form. ${ADVICE}`],
    [
      "an object whose `toJSON` returns undefined",
      { toJSON: () => undefined },
      `A value of type object has no JSON form. ${ADVICE}`,
    ],
  ])("is not kept if it is %s, and the error gives the reason", (_, value, message) => {
    const stored = storeResult(value);
    expect(stored).toMatchObject({
      state: "failed",
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
    expect(storeResult(value)).toMatchObject({ state: "failed", error: { cause } });
  });

  it("is kept up to 100 levels deep, because a duplicate could not return a deeper one", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) });
    expect(storeResult(nested(100)).state).toBe("stored");
    const message = `The result is nested more than 100 levels deep. ${ADVICE}`;
    for (const levels of [101, 2_000])
      expect(storeResult(nested(levels))).toMatchObject({ state: "failed", error: { message } });
  });

  it("is kept up to 64 KiB of JSON in UTF-8", () => {
    const quotes = 2;
    expect(storeResult("x".repeat(65_536 - quotes)).state).toBe("stored");
    expect(storeResult("ü".repeat(32_768 - quotes / 2)).state).toBe("stored");
    const message = `The result has 65537 bytes as JSON; at most 65536 are kept. ${ADVICE}`;
    expect(storeResult("x".repeat(65_537 - quotes))).toMatchObject({ state: "failed", error: { message } });
    expect(storeResult("ü".repeat(32_768)).state).toBe("failed");
  });

  it("does not appear in the error", () => {
    const stored = storeResult({ secret: "s3cret", big: "x".repeat(70_000) });
    if (stored.state !== "failed") throw new Error("unreachable");
    expect(stored.error.message).not.toContain("s3cret");
  });
});
