import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxAttemptsFromEnv, optionsFromEnv, setting } from "../src/env.ts";
import { resolveOptions } from "../src/options.ts";

describe("optionsFromEnv", () => {
  it("reads every variable", () => {
    const options = optionsFromEnv({
      TRIGGER_DEDUP_TTL_SECONDS: "3600",
      LATCHKEY_LEASE_SECONDS: "15",
      LATCHKEY_SKEW_SECONDS: "0",
      LATCHKEY_OWNER: "replica-a",
      LATCHKEY_ON_STORE_UNAVAILABLE: "dispatch",
    });
    expect(options).toStrictEqual({
      windowMs: 3_600_000,
      leaseMs: 15_000,
      skewMs: 0,
      owner: "replica-a",
      onStoreUnavailable: "dispatch",
    });
  });

  it("ignores blank variables and surrounding spaces", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(" ", "\t", "\n") }),
        fc.integer({ min: 1, max: 1e6 }),
        (space, seconds) => {
          const env = { TRIGGER_DEDUP_TTL_SECONDS: `${space}${seconds}${space}`, LATCHKEY_OWNER: space };
          expect(optionsFromEnv(env)).toStrictEqual({ windowMs: seconds * 1_000 });
          expect(setting({ NAME: `${space}a b${space}`, BLANK: space }, "NAME")).toBe("a b");
          expect(setting({ BLANK: space }, "BLANK")).toBeUndefined();
        },
      ),
    );
  });

  it("omits unset and empty variables, so that the defaults apply", () => {
    const options = optionsFromEnv({ TRIGGER_DEDUP_TTL_SECONDS: "", LATCHKEY_OWNER: undefined, UNRELATED: "1" });
    expect(options).toStrictEqual({});
    const store = { put: async () => ({ ok: true, revision: 1 }) as const, get: async () => undefined };
    expect(resolveOptions({ store, ...options }).windowMs).toBe(86_400_000);
  });

  it("reads `process.env` by default", () => {
    process.env["LATCHKEY_OWNER"] = "from-the-process";
    try {
      expect(optionsFromEnv().owner).toBe("from-the-process");
    } finally {
      delete process.env["LATCHKEY_OWNER"];
    }
  });

  it.each(["1h", "1.5", "-1", "6 0", "0x10", "1e3", "+1", "Infinity", "٣"])("rejects the duration %j", (value) => {
    const sentence = (name: string, from: number): TypeError =>
      new TypeError(
        `Expected \`${name}\` to be whole seconds from ${from} to 9007199254740, in digits, got \`${value}\` (string)`,
      );
    expect(() => optionsFromEnv({ TRIGGER_DEDUP_TTL_SECONDS: value })).toThrow(
      sentence("TRIGGER_DEDUP_TTL_SECONDS", 1),
    );
    expect(() => optionsFromEnv({ LATCHKEY_LEASE_SECONDS: value })).toThrow(sentence("LATCHKEY_LEASE_SECONDS", 1));
    expect(() => optionsFromEnv({ LATCHKEY_SKEW_SECONDS: value })).toThrow(sentence("LATCHKEY_SKEW_SECONDS", 0));
  });

  it.each([
    ["TRIGGER_DEDUP_TTL_SECONDS", "0"],
    ["LATCHKEY_LEASE_SECONDS", "0"],
    ["TRIGGER_DEDUP_TTL_SECONDS", "9007199254741"],
    ["LATCHKEY_SKEW_SECONDS", "99999999999999999999"],
  ])("rejects %s=%s, which is out of range", (name, value) => {
    expect(() => optionsFromEnv({ [name]: value })).toThrow(RangeError);
    expect(() => optionsFromEnv({ [name]: value })).toThrow(`Expected \`${name}\` to be whole seconds from `);
    expect(() => optionsFromEnv({ [name]: value })).toThrow(`got \`${value}\` (string)`);
  });

  it("accepts the least and the greatest value", () => {
    expect(optionsFromEnv({ TRIGGER_DEDUP_TTL_SECONDS: "1", LATCHKEY_LEASE_SECONDS: "9007199254740" })).toStrictEqual({
      windowMs: 1_000,
      leaseMs: 9_007_199_254_740_000,
    });
  });

  it.each([
    ["LATCHKEY_OWNER", "a\ud800", "well-formed Unicode without lone surrogates, got `a\ufffd` (string)"],
    ["LATCHKEY_ON_STORE_UNAVAILABLE", "Refuse", '"refuse" or "dispatch", got `Refuse` (string)'],
  ])("rejects %s=%j and names the variable", (name, value, sentence) => {
    expect(() => optionsFromEnv({ [name]: value })).toThrow(new TypeError(`Expected \`${name}\` to be ${sentence}`));
  });
});

describe("maxAttemptsFromEnv", () => {
  it.each([
    [undefined, undefined],
    [" ", undefined],
    ["0", 1],
    [" 5 ", 6],
    ["1000000", 1_000_001],
  ])("reads TRIGGER_DISPATCH_MAX_RETRIES=%j as %j", (value, attempts) => {
    expect(maxAttemptsFromEnv({ TRIGGER_DISPATCH_MAX_RETRIES: value })).toBe(attempts);
  });

  it.each(["many", "-1", "1.5", "1e3"])("refuses %j", (value) => {
    expect(() => maxAttemptsFromEnv({ TRIGGER_DISPATCH_MAX_RETRIES: value })).toThrow(TypeError);
  });

  it("refuses a number out of range", () => {
    expect(() => maxAttemptsFromEnv({ TRIGGER_DISPATCH_MAX_RETRIES: "1000001" })).toThrow(RangeError);
  });
});
