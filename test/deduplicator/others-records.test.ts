import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Deduplicator } from "../../src/deduplicator.ts";
import { type Identity, type ResolvedIdentity, resolveIdentity, type StoreKey } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import { answering, answerLost } from "../support/faulty-store.ts";
import { type PlantedBug, plant, removePlantedCopies } from "../support/planted-bugs.ts";
import {
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  resolved,
  task,
  unseen,
  WINDOW_MS,
  type World,
  world,
} from "../support/replicas.ts";
import { commit, reservation } from "../support/store-contract-fixture.ts";

const { storeKey: key } = resolved;

/** Events that each differ from the event in one id. */
const others = {
  workspaceId: resolveIdentity({ ...event, workspaceId: "another" }),
  subscriptionId: resolveIdentity({ ...event, subscriptionId: "another" }),
  eventId: resolveIdentity({ ...event, eventId: "another" }),
};
const ids = ["workspaceId", "subscriptionId", "eventId"] as const;
const states = { committed: commit, reserved: reservation };
const cases = ids.flatMap((id) => (["committed", "reserved"] as const).map((state) => ({ id, state })));

function recordOf(of: ResolvedIdentity, state: keyof typeof states = "committed"): DedupRecord {
  return states[state](of, { token: "another's" });
}

/** Writes a record under a key that may belong to another event, without Latchkey. */
async function write({ memory }: World, record: DedupRecord, under: StoreKey = key): Promise<void> {
  const expected = (await memory.get(under))?.revision ?? 0;
  expect(await memory.put(under, record, { expected, ttlMs: WINDOW_MS })).toMatchObject({ ok: true });
}

function refused(id: (typeof ids)[number]): object {
  return {
    name: "RecordUnreadableError",
    code: "record-unreadable",
    message: `The record of ${key} belongs to another event: expected its \`${id}\` to be \`${resolved[id]}\`, got \`another\``,
  };
}

describe("G2 a record that belongs to another event than its key", () => {
  it.each(cases)("rejects a delivery of the key's event: another `$id`, $state", async ({ id, state }) => {
    const w = world();
    await write(w, recordOf(others[id], state));
    const before = await w.memory.get(key);
    const { dedup, trail } = w.replica("a", { onStoreUnavailable: "dispatch" });
    const work = task();
    for (const onPending of ["return", "wait"] as const) {
      await expect(dedup.guard(event, work.handler, { onPending })).rejects.toMatchObject(refused(id));
      await expect(dedup.reserve(event, { onPending })).rejects.toMatchObject(refused(id));
    }
    await expect(dedup.peek(event)).rejects.toMatchObject(refused(id));
    expect(work.runs()).toBe(0);
    expect(new Set(trail())).toEqual(new Set(["store-unavailable"]));
    expect(await w.memory.get(key)).toEqual(before);
    expect(w.clock.timers).toBe(0);
  });

  it.each(cases)("rejects a delivery that reads it after a conflict: another `$id`, $state", async ({ id, state }) => {
    const w = world();
    await write(w, recordOf(others[id], state));
    const { dedup, store } = w.replica("a");
    store.breakDown(answering({ ok: false }), ["put"]);
    await expect(dedup.reserve(event)).rejects.toMatchObject(refused(id));
    expect(store.calls.map(({ method }) => method)).toEqual(["put", "get"]);
  });

  it("appears in the error without any content beyond its ids", async () => {
    const w = world();
    await write(w, commit(others.eventId, { result: "s3cret", fingerprint: "s3cret", owner: "s3cret" }));
    const { dedup } = w.replica("a");
    const error: unknown = await dedup.reserve(event).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused("eventId"));
    expect(String(error)).not.toContain("s3cret");
  });

  it("makes the commit of a running dispatch unconfirmed, like an unreadable record", async () => {
    const outcomes = [];
    for (const current of [
      { key, record: recordOf(others.eventId), revision: 99 },
      { key, record: { v: 2 }, revision: 99 },
    ]) {
      const w = world();
      const a = w.replica("a");
      const work = task();
      const outcome = a.dedup.guard(event, work.handler);
      await work.reservation;
      a.store.breakDown(answering({ ok: false, current }), ["put"]);
      work.succeed("done");
      await w.pass(LEASE_MS);
      outcomes.push(await outcome);
    }
    expect(outcomes[0]).toMatchObject({ outcome: "dispatched", commit: "unconfirmed" });
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it("neither fails a release nor is removed by it", async () => {
    const w = world();
    const a = w.replica("a");
    const held = await unseen(a.dedup.reserve(event));
    await write(w, recordOf(others.eventId));
    await held.release();
    expect((await w.memory.get(key))?.record.eventId).toBe("another");
  });

  it("does not replace the replica's own write, which is recognised after a lost answer", async () => {
    const w = world();
    const a = w.replica("a");
    a.store.script("put", answerLost);
    const outcome = a.dedup.guard(event, () => "done");
    await w.pass(50);
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await duplicate(w.replica("b").dedup.reserve(event));
  });

  it("is rejected whatever the ids are", async () => {
    const id = fc.oneof(fc.constantFrom("a", "b", "default", "é", "e\u0301", "__proto__", "a.b", " "), text);
    const identity = fc.record({ workspaceId: id, subscriptionId: id, eventId: id });
    await fc.assert(
      fc.asyncProperty(identity, identity, fc.constantFrom(...ids, undefined), async (own, drawn, only) => {
        // Two identities that are drawn independently almost never share all ids but one.
        const of = only === undefined ? drawn : { ...own, [only]: drawn[only] };
        const isSame = ids.every((name) => of[name] === own[name]);
        const w = world();
        const { storeKey } = resolveIdentity(own);
        await write(w, recordOf(resolveIdentity(of)), storeKey);
        const { dedup } = w.replica("a");
        const decision = await dedup.reserve(own).catch((error: unknown) => error);
        const listed = await listing(dedup);
        expect(decision).toMatchObject(isSame ? { decision: "duplicate" } : { code: "record-unreadable" });
        expect(listed.error).toEqual(isSame ? undefined : expect.objectContaining({ code: "record-unreadable" }));
        expect(listed.keys).toEqual(isSame ? [storeKey] : []);
        expect(await dedup.clear(own)).toBe(1);
        expect(await dedup.reserve(own)).toMatchObject({ decision: "unseen" });
      }),
      { numRuns: 200 },
    );
  });
});

describe("a list", () => {
  it.each(ids)("returns all valid entries, then rejects with the record of another event: another `%s`", async (id) => {
    const w = world();
    await write(w, recordOf(others[id]));
    const { dedup } = w.replica("a");
    const last = { ...event, eventId: "last" };
    await dedup.guard(last, () => {});
    const { keys, error } = await listing(dedup);
    expect(keys).toEqual([resolveIdentity(last).storeKey]);
    expect(error).toMatchObject({
      code: "record-unreadable",
      message: `The record of ${key} belongs to another event: its \`${id}\` is \`another\`, which belongs to ${others[id].storeKey}`,
    });
  });

  it("rejects a record whose ids are invalid for every event", async () => {
    const w = world();
    await write(w, { ...recordOf(resolved), eventId: "\ud800" });
    const { error } = await listing(w.replica("a").dedup);
    expect(error).toMatchObject({
      code: "record-unreadable",
      message: `The record of ${key} belongs to no event: its ids are not well-formed Unicode`,
      cause: expect.any(TypeError),
    });
  });
});

describe("clear", () => {
  it.each<[string, Identity | object]>([
    ["its event", { workspaceId: "default", ...event }],
    ["its subscription", { subscriptionId: event.subscriptionId }],
    ["all", {}],
  ])(
    "removes the record of another event if it selects %s, so that the key's event is dispatched",
    async (_, filter) => {
      const w = world();
      await write(w, recordOf(others.subscriptionId));
      const a = w.replica("a");
      await expect(a.dedup.reserve(event)).rejects.toMatchObject({ code: "record-unreadable" });
      expect(await w.replica("b").dedup.clear(filter)).toBe(1);
      await commitEvent(a);
    },
  );

  it("does not remove a misplaced record whose ids match the filter", async () => {
    const w = world();
    await write(w, recordOf(others.subscriptionId));
    const { dedup } = w.replica("a");
    expect(await dedup.clear({ subscriptionId: "another" })).toBe(0);
    expect(await w.memory.get(key)).toBeDefined();
  });

  it("removes all other entries before it rejects with an unreadable record", async () => {
    const w = world();
    const a = w.replica("a");
    await commitEvent(a);
    const list = async function* () {
      yield { key: others.eventId.storeKey, record: JSON.parse("{}"), revision: 1 };
      yield* w.memory.list({});
    };
    const { dedup } = w.replica("b", { store: { ...w.memory, list } });
    await expect(dedup.clear({})).rejects.toMatchObject({ code: "record-unreadable" });
    expect(await w.memory.get(key)).toBeUndefined();
  });
});

describe("a lost event is detected when the package", () => {
  afterAll(removePlantedCopies);
  const file = "src/stores/validated-store.ts";
  const bugs: ReadonlyArray<PlantedBug & { readonly misses: (typeof ids)[number] }> = [
    {
      name: "does not check the ids of a record",
      misses: "eventId",
      patches: [{ file, find: `else if (owner !== "any") checkIdentity(record, key, owner);`, replace: "" }],
    },
    {
      name: "does not check the ids of a conflicting record",
      misses: "eventId",
      patches: [
        {
          file,
          find: `answer["revision"] };
    if (answer["ok"] === false) return checkConflict(key, answer["current"], owner);`,
          replace: `answer["revision"] };
    if (answer["ok"] === false) return checkConflict(key, answer["current"], "any");`,
        },
      ],
    },
    {
      name: "ignores the workspace, which is not in the dedup key",
      misses: "workspaceId",
      patches: [
        {
          file: "src/model/record-identity.ts",
          find: "record[name] !== ids[name]",
          replace: 'name !== "workspaceId" && record[name] !== ids[name]',
        },
      ],
    },
  ];

  for (const bug of bugs) {
    it(bug.name, async () => {
      const { Deduplicator, memoryStore } = await plant(bug);
      const store = memoryStore();
      await store.put(key, recordOf(others[bug.misses]), { expected: 0, ttlMs: WINDOW_MS });
      const dedup = new Deduplicator({ store });
      expect(await dedup.guard(event, () => "dispatched")).toMatchObject({ outcome: "duplicate" });
      await dedup.close();
    });
  }
});

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 100 });

/** Returns the keys of a list and the error that ended it. */
async function listing(dedup: Deduplicator): Promise<{ readonly keys: readonly string[]; readonly error: unknown }> {
  const keys: string[] = [];
  try {
    for await (const entry of dedup.list()) keys.push(entry.key);
  } catch (error) {
    return { keys, error };
  }
  return { keys, error: undefined };
}
