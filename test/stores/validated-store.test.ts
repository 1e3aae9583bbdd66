import { describe, expect, it } from "vitest";
import type { StoreKey } from "../../src/model/identity.ts";
import type { Entry, Put, Removal, Store } from "../../src/model/store.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory-store.ts";
import { readPut, ValidatedStore } from "../../src/stores/validated-store.ts";
import { collected } from "../support/collected.ts";
import { answering, throwing } from "../support/faulty-store.ts";
import { event, resolved, task, unseen, world } from "../support/replicas.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { commit, identity, reservation } from "../support/store-contract-fixture.ts";

const { storeKey: key } = resolved;
const record = commit(resolved, { token: "another's" });
const other = identity("evt-2");

/** Invalid entries. */
const noEntries: ReadonlyArray<readonly [string, unknown]> = [
  ["null", null],
  ["a string", "committed"],
  ["a number", 1],
  ["true", true],
  ["an array", []],
  ["an empty object", {}],
  ["a bare record", record],
  ["an entry without a revision", { key, record }],
  ["an entry with revision 0", { key, record, revision: 0 }],
  ["an entry with a negative revision", { key, record, revision: -1 }],
  ["an entry with a fractional revision", { key, record, revision: 1.5 }],
  ["an entry with a string as its revision", { key, record, revision: "1" }],
  ["an entry with a bigint as its revision", { key, record, revision: 1n }],
  ["an entry with an infinite revision", { key, record, revision: Number.POSITIVE_INFINITY }],
  ["an entry of another key", { key: other.storeKey, record, revision: 1 }],
  ["an entry without its key", { record, revision: 1 }],
];

/** Invalid records. */
const noRecords: ReadonlyArray<readonly [string, unknown]> = [
  ["undefined", undefined],
  ["a string", JSON.stringify(record)],
  ["an array", [record]],
  ["a record of another version", { ...record, v: 2 }],
  ["a record without a version", { ...record, v: undefined }],
  ["a record with an unknown state", { ...record, state: "done" }],
  ["a record with an empty token", { ...record, token: "" }],
  ["a record with a lease of zero", { ...record, leaseMs: 0 }],
  ["a record with an invalid time", { ...record, atMs: Number.NaN }],
  ["a record without an event", { ...record, eventId: undefined }],
  ["a record of another event", { ...record, eventId: "another" }],
  ["a record of another subscription", { ...record, subscriptionId: "another" }],
  ["a record of another workspace", { ...record, workspaceId: "another" }],
];

/** Invalid answers to a put. */
const noPuts: ReadonlyArray<readonly [string, unknown]> = [
  ["nothing", undefined],
  ["null", null],
  ["true", true],
  ["false", false],
  ["a string", "duplicate"],
  ["a number", 1],
  ["an array", []],
  ["an empty object", {}],
  ["a revision without `ok`", { revision: 1 }],
  ["success without a revision", { ok: true }],
  ["success with revision 0", { ok: true, revision: 0 }],
  ["success with a string as its revision", { ok: true, revision: "1" }],
  ["success with a fractional revision", { ok: true, revision: 0.5 }],
  ["success as a string", { ok: "true", revision: 1 }],
  ["a number instead of a conflict", { ok: 0 }],
  ["the former form of a conflict", { success: false, conflict: true }],
  ["an error as its value", new Error("duplicate")],
];

describe("an answer outside the contract", () => {
  const breaches = [
    ...noPuts,
    ...noEntries.map(([name, current]) => [`a conflict with ${name}`, { ok: false, current }] as const),
  ];

  it.each(breaches)("is a TypeError, never a duplicate, when a put answers %s", async (_, answer) => {
    const { clock, replica } = world();
    const { dedup, store } = replica("a");
    store.breakDown(answering(answer), ["put"]);
    const work = task();
    await expect(dedup.guard(event, work.handler)).rejects.toBeInstanceOf(TypeError);
    await expect(dedup.reserve(event)).rejects.toBeInstanceOf(TypeError);
    expect(work.runs()).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it.each(noEntries)("is a TypeError, never a duplicate, when a get answers %s", async (_, answer) => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    store.breakDown(answering({ ok: false }), ["put"]);
    store.breakDown(answering(answer), ["get"]);
    await expect(dedup.reserve(event)).rejects.toBeInstanceOf(TypeError);
    await expect(dedup.peek(event)).rejects.toBeInstanceOf(TypeError);
  });

  it.each([
    ...noPuts.filter(([name]) => !name.startsWith("success")),
    ["success as a string", { ok: "true" }] as const,
  ])("is a TypeError when a clear's remove answers %s", async (_, answer) => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    await dedup.guard(event, () => {});
    store.breakDown(answering(answer), ["remove"]);
    await expect(dedup.clear({})).rejects.toBeInstanceOf(TypeError);
  });

  it.each([...noEntries, ["nothing", undefined] as const].filter(([name]) => !name.includes("key")))(
    "is a TypeError when a list contains %s",
    async (_, shown) => {
      const { memory, replica } = world();
      const { dedup, store } = replica("a", { store: { ...memory, list: () => listOf(shown) } });
      const read = async (): Promise<void> => {
        for await (const _ of dedup.list());
      };
      await expect(read()).rejects.toBeInstanceOf(TypeError);
      await expect(dedup.clear({})).rejects.toBeInstanceOf(TypeError);
      expect(store.calls).toEqual([]);
    },
  );

  it("is a TypeError in a list, even after an unreadable record", async () => {
    const { memory, replica } = world();
    const list = async function* () {
      yield* listOf({ key, record: { v: 2 }, revision: 1 });
      yield* listOf("no entry");
    };
    const { dedup } = replica("a", { store: { ...memory, list } });
    await expect(collected(dedup.list())).rejects.toBeInstanceOf(TypeError);
  });

  it("is named in the error by its method, without its content", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    store.breakDown(answering({ ok: "yes", secret: "s3cret" }), ["put"]);
    await expect(dedup.reserve(event)).rejects.toThrow(
      "Expected `the answer of store.put` to be { ok: true, revision } or { ok: false, current? }, got `…` (object)",
    );
  });

  it("differs from an error that the store throws, which is passed on unchanged", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const error = new RangeError("no");
    store.breakDown(throwing(error));
    await expect(dedup.reserve(event)).rejects.toBe(error);
  });
});

describe("an unreadable record", () => {
  it.each(noRecords)("is an error that names the key, never a duplicate, when it is %s", async (_, found) => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const current = { key, record: found, revision: 1 };
    store.breakDown(answering({ ok: false, current }), ["put"]);
    store.breakDown(answering(current), ["get"]);
    const unreadable = {
      name: "RecordUnreadableError",
      code: "record-unreadable",
      message: expect.stringContaining(key),
    };
    await expect(dedup.reserve(event)).rejects.toMatchObject(unreadable);
    await expect(dedup.peek(event)).rejects.toMatchObject(unreadable);
  });
});

describe("a commit with the token of an in-flight claim", () => {
  const odd = { key, record: commit(resolved, { token: "our-own" }), revision: 7 };

  it("is treated as another replica's commit, so that no caller waits forever", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a", { newId: () => "our-own" });
    store.breakDown(answering({ ok: false }), ["put"]);
    store.breakDown(answering(odd), ["get"]);
    expect(await dedup.reserve(event)).toMatchObject({ decision: "duplicate" });
  });

  it("does not replace the error of a handler", async () => {
    const { clock, replica } = world();
    const { dedup, store } = replica("a", { newId: () => "our-own" });
    store.breakDown(answering({ ok: false, current: odd }), ["remove"]);
    const error = new Error("no");
    await expect(dedup.guard(event, () => Promise.reject(error))).rejects.toBe(error);
    expect(clock.timers).toBe(0);
  });
});

describe("a valid answer", () => {
  it("is reduced to the fields of the contract", async () => {
    const entry = { key, record: reservation(resolved), revision: 7 };
    const chatty = {
      put: async () => ({ ok: true as const, revision: 7, extra: 1 }),
      get: async () => ({ ...entry, extra: 1 }),
      remove: async () => ({ ok: false as const, current: entry, extra: 1 }),
    };
    const store = new ValidatedStore(chatty);
    const put = await store.put(key, record, { expected: 0, ttlMs: 1_000 });
    expect(readPut(key, put, resolved)).toEqual({ ok: true, revision: 7 });
    expect(await store.get(key, resolved)).toEqual(entry);
    expect(await store.remove(key, { expected: 7 }, resolved)).toEqual({ ok: false, current: entry });
  });

  it("may be a value instead of a promise", async () => {
    const { replica } = world();
    const memory = memoryStore({ clock: new SimulatedClock() });
    const put: unknown = () => ({ ok: true, revision: 7 });
    const { dedup } = replica("a", { store: { ...memory, put: isPut(put) ? put : memory.put } });
    expect(await unseen(dedup.reserve(event))).toMatchObject({ fence: 7 });
  });

  it("comes from a method that is called on its store", async () => {
    class Counting implements Store {
      readonly #memory = memoryStore({ clock: new SimulatedClock() });
      asked = 0;

      put(...args: Parameters<MemoryStore["put"]>): Promise<Put> {
        this.asked += 1;
        return this.#memory.put(...args);
      }

      get(key: StoreKey): Promise<Entry | undefined> {
        this.asked += 1;
        return this.#memory.get(key);
      }

      remove(...args: Parameters<MemoryStore["remove"]>): Promise<Removal> {
        this.asked += 1;
        return this.#memory.remove(...args);
      }

      list(...args: Parameters<MemoryStore["list"]>): AsyncIterable<Entry> {
        this.asked += 1;
        return this.#memory.list(...args);
      }
    }
    const store = new Counting();
    const { dedup } = world().replica("a", { store });
    await (await unseen(dedup.reserve(event))).release();
    await dedup.peek(event);
    for await (const entry of dedup.list()) expect(entry).toBeDefined();
    expect(store.asked).toBe(4);
  });
});

async function* listOf(shown: unknown): AsyncGenerator<never> {
  if (isNever(shown)) yield shown;
}

/** Lets a test return values that the types forbid. */
function isNever(_: unknown): _ is never {
  return true;
}

function isPut(_: unknown): _ is MemoryStore["put"] {
  return true;
}
