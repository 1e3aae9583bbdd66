import { describe, expect, it } from "vitest";
import { systemClock } from "../src/internal/clock.ts";
import type { Store } from "../src/model/store.ts";
import type { DeduplicatorOptions, ReserveOptions } from "../src/options.ts";
import { resolveOptions, resolveReserveOptions } from "../src/options.ts";

const store: Store = { put: async () => ({ ok: false }), get: async () => undefined };
const smallStore: Store = { ...store, maxWindowMs: 60_000 };
/** Stands for a machine of XState, which a test title cannot show. */
const machine = { provide: () => {} };

/** Resolves options that the types may forbid. */
function resolve(options: unknown): unknown {
  return Reflect.apply(resolveOptions, undefined, [options]);
}
function resolveCall(options: unknown, defaults: DeduplicatorOptions = { store }): unknown {
  return Reflect.apply(resolveReserveOptions, undefined, [options, resolveOptions(defaults)]);
}

describe("the options of a deduplicator", () => {
  it("have the documented defaults", () => {
    expect(resolveOptions({ store })).toEqual({
      store,
      clock: systemClock,
      newId: expect.any(Function),
      windowMs: 86_400_000,
      leaseMs: 30_000,
      skewMs: 2_000,
      owner: expect.stringMatching(/.+\/\d+\/[0-9a-f]{8}$/),
      cacheSize: 16_000,
      renew: true,
      keepResults: false,
      keepErrorMessages: false,
      onStoreUnavailable: "refuse",
      onPermanentError: "release",
    });
  });

  it("are kept as given, and the caller's object is not changed", () => {
    const given = Object.freeze({
      store: smallStore,
      clock: { ...systemClock },
      newId: () => "id",
      windowMs: 60_000,
      leaseMs: 1_000,
      skewMs: 50,
      owner: "replica-a",
      cacheSize: 0,
      renew: false,
      keepResults: true,
      keepErrorMessages: true,
      onStoreUnavailable: "dispatch",
      onPermanentError: "remember",
    } satisfies DeduplicatorOptions);
    expect(resolveOptions(given)).toEqual(given);
  });

  it("add at least 50 ms to a lease, however small `skewMs` is", () => {
    for (const skewMs of [0, 1, 49, 50]) expect(resolveOptions({ store, skewMs }).skewMs).toBe(50);
    expect(resolveOptions({ store, skewMs: 51 }).skewMs).toBe(51);
  });

  it("generate different owners for two replicas in one process", () => {
    expect(resolveOptions({ store }).owner).not.toBe(resolveOptions({ store }).owner);
  });

  it("generate a different token for every reservation on every replica", () => {
    const makers = [resolveOptions({ store }).newId, resolveOptions({ store }).newId];
    const tokens = makers.flatMap((newId) => Array.from({ length: 1_000 }, newId));
    expect(new Set(tokens).size).toBe(2_000);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ store: undefined }, "Expected `store` to be an object, got `undefined` (undefined)"],
    [{ store: null }, "Expected `store` to be an object, got `null` (null)"],
    [{ store: { get: store.get } }, "Expected `store.put` to be a function, got `undefined` (undefined)"],
    [{ store: { put: store.put, get: 1 } }, "Expected `store.get` to be a function, got `1` (number)"],
    [
      { store: { ...store, maxWindowMs: "1h" } },
      "Expected `store.maxWindowMs` to be a whole number of at least 1000, got `1h` (string)",
    ],
    [
      { store: { ...store, invalidation: { epoch: () => 0 } } },
      "Expected `store.invalidation.invalidate` to be a function, got `undefined` (undefined)",
    ],
    [{ cacheSize: "1000" }, "Expected `cacheSize` to be a whole number from 0 to 10000000, got `1000` (string)"],
    [{ inspect: "all" }, "Expected `inspect` to be an object, got `all` (string)"],
    [{ inspect: {} }, "Expected `inspect.machine` to be an object, got `undefined` (undefined)"],
    [{ inspect: { machine: {} } }, "Expected `inspect.machine.provide` to be a function, got `undefined` (undefined)"],
    [{ inspect: { machine } }, "Expected `inspect.observer` to be an object, got `undefined` (undefined)"],
    [
      { inspect: { machine, observer: {} } },
      "Expected `inspect.observer.next` to be a function, got `undefined` (undefined)",
    ],
    [{ clock: null }, "Expected `clock` to be an object, got `null` (null)"],
    [{ clock: {} }, "Expected `clock.monotonicMs` to be a function, got `undefined` (undefined)"],
    [{ clock: { ...systemClock, wallMs: 1 } }, "Expected `clock.wallMs` to be a function, got `1` (number)"],
    [{ clock: { ...systemClock, schedule: [] } }, "Expected `clock.schedule` to be a function, got `…` (array)"],
    [{ newId: "id" }, "Expected `newId` to be a function, got `id` (string)"],
    [{ windowMs: "1d" }, "Expected `windowMs` to be a whole number of at least 1000, got `1d` (string)"],
    [{ windowMs: null }, "Expected `windowMs` to be a whole number of at least 1000, got `null` (null)"],
    [{ leaseMs: true }, "Expected `leaseMs` to be a whole number of at least 1000, got `true` (boolean)"],
    [{ leaseMs: 30_000n }, "Expected `leaseMs` to be a whole number of at least 1000, got `30000` (bigint)"],
    [{ skewMs: "0" }, "Expected `skewMs` to be a whole number of at least 0, got `0` (string)"],
    [{ owner: "" }, "Expected `owner` to be a string that is not empty, got `` (string)"],
    [{ owner: { name: "secret" } }, "Expected `owner` to be a string that is not empty, got `…` (object)"],
    [
      { owner: "a\ud800" },
      "Expected `owner` to be well-formed Unicode without lone surrogates, got `a\ufffd` (string)",
    ],
    [{ renew: "yes" }, "Expected `renew` to be a boolean, got `yes` (string)"],
    [{ keepErrorMessages: 1 }, "Expected `keepErrorMessages` to be a boolean, got `1` (number)"],
    [{ keepResults: 0 }, "Expected `keepResults` to be a boolean, got `0` (number)"],
    [
      { onStoreUnavailable: "ignore" },
      'Expected `onStoreUnavailable` to be "refuse" or "dispatch", got `ignore` (string)',
    ],
  ])("are rejected with a TypeError: %o", (wrong, sentence) => {
    expect(() => resolve({ store, ...wrong })).toThrow(new TypeError(sentence));
  });

  it.each<[Record<string, unknown>, string]>([
    [{ windowMs: 999 }, "Expected `windowMs` to be a whole number of at least 1000, got `999` (number)"],
    [{ windowMs: 1_000.5 }, "Expected `windowMs` to be a whole number of at least 1000, got `1000.5` (number)"],
    [
      { windowMs: Number.POSITIVE_INFINITY },
      "Expected `windowMs` to be a whole number of at least 1000, got `Infinity` (number)",
    ],
    [
      { windowMs: 2 ** 53 },
      "Expected `windowMs` to be a whole number of at least 1000, got `9007199254740992` (number)",
    ],
    [{ leaseMs: -1 }, "Expected `leaseMs` to be a whole number of at least 1000, got `-1` (number)"],
    [{ leaseMs: Number.NaN }, "Expected `leaseMs` to be a whole number of at least 1000, got `NaN` (number)"],
    [{ cacheSize: -1 }, "Expected `cacheSize` to be a whole number from 0 to 10000000, got `-1` (number)"],
    [{ skewMs: -1 }, "Expected `skewMs` to be a whole number of at least 0, got `-1` (number)"],
    [
      { store: { ...store, maxWindowMs: 999 } },
      "Expected `store.maxWindowMs` to be a whole number of at least 1000, got `999` (number)",
    ],
    [{ store: smallStore }, "Expected `windowMs` to be a whole number from 1000 to 60000, got `86400000` (number)"],
    [
      { store: smallStore, windowMs: 60_001 },
      "Expected `windowMs` to be a whole number from 1000 to 60000, got `60001` (number)",
    ],
    [
      { store: smallStore, windowMs: 60_000, leaseMs: 60_001 },
      "Expected `leaseMs` to be a whole number from 1000 to 60000, got `60001` (number)",
    ],
    [
      { store: smallStore, windowMs: 60_000, leaseMs: 59_000 },
      "Expected `skewMs` to be a whole number from 0 to 1000, got `2000` (number)",
    ],
  ])("are rejected with a RangeError: %o", (wrong, sentence) => {
    expect(() => resolve({ store, ...wrong })).toThrow(new RangeError(sentence));
  });

  it.each([undefined, null, "options"])("are rejected when they are no object: %o", (options) => {
    expect(() => resolve(options)).toThrow(/^Expected `options` to be an object, got /);
  });

  it("are rejected without a store", () => {
    expect(() => resolve({})).toThrow("Expected `store` to be an object, got `undefined` (undefined)");
  });
});

describe("the options of one call", () => {
  it("default to the options of the deduplicator", () => {
    const defaults = { store, windowMs: 5_000, leaseMs: 2_000, keepResults: true };
    expect(resolveCall({}, defaults)).toEqual({
      windowMs: 5_000,
      leaseMs: 2_000,
      fingerprint: undefined,
      onPending: "return",
      waitMs: 300_000,
      signal: undefined,
      keepResult: true,
      attempt: 1,
    });
  });

  it("are kept as given", () => {
    const given: ReserveOptions = {
      windowMs: 1_000,
      leaseMs: 58_000,
      fingerprint: "f",
      onPending: "wait",
      waitMs: 2_000,
      signal: new AbortController().signal,
      keepResult: false,
      attempt: 7,
    };
    expect(resolveCall(given, { store: smallStore, windowMs: 60_000, keepResults: true })).toEqual(given);
  });

  it.each<[Record<string, unknown>, ErrorConstructor, string]>([
    [{ windowMs: "1s" }, TypeError, "Expected `windowMs` to be a whole number from 1000 to 60000, got `1s` (string)"],
    [{ windowMs: 999 }, RangeError, "Expected `windowMs` to be a whole number from 1000 to 60000, got `999` (number)"],
    [
      { windowMs: 60_001 },
      RangeError,
      "Expected `windowMs` to be a whole number from 1000 to 60000, got `60001` (number)",
    ],
    [{ leaseMs: null }, TypeError, "Expected `leaseMs` to be a whole number from 1000 to 58000, got `null` (null)"],
    [
      { leaseMs: 58_001 },
      RangeError,
      "Expected `leaseMs` to be a whole number from 1000 to 58000, got `58001` (number)",
    ],
    [{ fingerprint: "" }, TypeError, "Expected `fingerprint` to be a string that is not empty, got `` (string)"],
    [{ onPending: "queue" }, TypeError, 'Expected `onPending` to be "return" or "wait", got `queue` (string)'],
    [{ signal: {} }, TypeError, "Expected `signal` to be an AbortSignal, got `…` (object)"],
    [{ keepResult: "no" }, TypeError, "Expected `keepResult` to be a boolean, got `no` (string)"],
    [{ attempt: 0 }, RangeError, "Expected `attempt` to be a whole number of at least 1, got `0` (number)"],
    [{ attempt: "1" }, TypeError, "Expected `attempt` to be a whole number of at least 1, got `1` (string)"],
  ])("are rejected: %o", (wrong, kind, sentence) => {
    const call = (): unknown => resolveCall(wrong, { store: smallStore, windowMs: 60_000 });
    expect(call).toThrow(kind);
    expect(call).toThrow(sentence);
  });

  it("are rejected when they are no object", () => {
    expect(() => resolveCall(null)).toThrow("Expected `options` to be an object, got `null` (null)");
  });
});

describe("a value in an error message", () => {
  it("is cut when it is long", () => {
    expect(() => resolve({ store, windowMs: "9".repeat(100) })).toThrow(`got \`${"9".repeat(60)}…\` (string)`);
  });

  it("never shows the content of an object", () => {
    expect(() => resolve({ store, windowMs: { password: "hunter2" } })).toThrow(/got `…` \(object\)$/);
  });
});
