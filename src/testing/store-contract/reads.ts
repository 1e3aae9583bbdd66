import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { collected } from "../../internal/collected.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Change, Entry, Store } from "../../model/store.ts";
import {
  type Aspect,
  assertExpires,
  commit,
  eventually,
  identity,
  LONG_MS,
  remove,
  reservation,
  type StoreUnderTest,
  withoutEnd,
  write,
} from "./fixture.ts";

const here = identity("evt-1", { workspaceId: "ws-1", subscriptionId: "sub-1" });
const there = identity("evt-1", { workspaceId: "ws-2", subscriptionId: "sub-1" });
const places = [
  here,
  identity("evt-2", { workspaceId: "ws-1", subscriptionId: "sub-1" }),
  identity("evt-1", { workspaceId: "ws-1", subscriptionId: "sub-2" }),
  there,
  identity("evt-3", { workspaceId: "ws-2", subscriptionId: "sub-2" }),
];

/** Number of writes that are each followed by a list. A stale replica of a store shows in a few percent of them. */
const WRITES_BEFORE_LISTS = 50;

const filters: readonly KeyFilter[] = [
  {},
  { workspaceId: "ws-1" },
  { subscriptionId: "sub-1" },
  { workspaceId: "ws-2", subscriptionId: "sub-2" },
  { subscriptionId: "sub-1", eventId: "evt-1" },
  { workspaceId: "ws-1", subscriptionId: "sub-1", eventId: "evt-1" },
  { workspaceId: "ws-3" },
];

function isIn(filter: KeyFilter, place: Required<KeyFilter>): boolean {
  return (
    (filter.workspaceId ?? place.workspaceId) === place.workspaceId &&
    (filter.subscriptionId ?? place.subscriptionId) === place.subscriptionId &&
    (filter.eventId ?? place.eventId) === place.eventId
  );
}

/** Lists. */
export const listing: Aspect = (test) => {
  test("a list of an empty store ends", async (made) => {
    await assertLists(made, {}, []);
  });

  test("a list has every write that was acknowledged before it began", async (made) => {
    let expected = 0;
    for (let round = 1; round <= WRITES_BEFORE_LISTS; round += 1) {
      const record = reservation(here, { attempt: round });
      expected = await write(made.store, here.storeKey, record, { expected });
      const listed = await collected(listOf(made.store, {}));
      const revision = Math.max(0, ...listed.map((entry) => entry.revision));
      assert.ok(revision >= expected, `a list after write ${round} does not contain it`);
    }
  });

  test("a list has each matching key once, with its entry", async (made) => {
    const entries = await Promise.all(
      places.map(async (place, index): Promise<Entry> => {
        const record = index % 2 === 0 ? commit(place, { result: { index } }) : reservation(place);
        return { key: place.storeKey, record, revision: await write(made.store, place.storeKey, record) };
      }),
    );
    for (const filter of filters) {
      await assertLists(
        made,
        filter,
        entries.filter(({ record }) => isIn(filter, record)),
      );
    }
  });

  test("a list has the last entry of each key, and no expired or removed key", async (made) => {
    const { store } = made;
    const [kept, ended, removed] = [identity("kept"), identity("ended"), identity("removed")];
    const first = await write(store, kept.storeKey, reservation(kept));
    await write(store, ended.storeKey, reservation(ended), { ttlMs: 1_000 });
    const gone = await write(store, removed.storeKey, reservation(removed));
    if (store.remove === undefined)
      await write(store, removed.storeKey, commit(removed), { expected: gone, ttlMs: 1_000 });
    else await remove(store, removed.storeKey, gone);
    const revision = await write(store, kept.storeKey, commit(kept), { expected: first });
    await assertExpires(made, ended.storeKey);
    await assertExpires(made, removed.storeKey);
    await assertLists(made, {}, [{ key: kept.storeKey, record: commit(kept), revision }]);
  });

  test("a long list is complete, and can be left early", async (made) => {
    const { store } = made;
    const many = Array.from({ length: 2_500 }, (_, index) => identity(`evt-${index}`));
    const entries: Entry[] = [];
    for (let start = 0; start < many.length; start += 250) {
      const written = many.slice(start, start + 250).map(async (at): Promise<Entry> => {
        const revision = await write(store, at.storeKey, reservation(at));
        return { key: at.storeKey, record: reservation(at), revision };
      });
      entries.push(...(await Promise.all(written)));
    }
    await assertLists(made, {}, entries);
    let seen = 0;
    for await (const entry of listOf(store, {})) {
      assert.ok(entries.some(({ key }) => key === entry.key));
      seen += 1;
      if (seen === 3) break;
    }
    assert.equal(seen, 3);
  });

  test("an invalid filter is a TypeError", async ({ store }) => {
    await assert.rejects(() => collected(listOf(store, { eventId: "evt-1" })), TypeError);
    await assert.rejects(() => collected(listOf(store, { workspaceId: "" })), TypeError);
  });
};

/** Watches. */
export const watching: Aspect = (test) => {
  test("a watch reports new changes of matching keys in order, until it is aborted", async (made) => {
    const { store } = made;
    const before = identity("before", { workspaceId: "ws-1" });
    await write(store, before.storeKey, reservation(before));
    const watch = await startWatch(made, { workspaceId: "ws-1" });
    // A store may keep only the last change of a key, so each change is awaited before the next.
    const reports = (key: string, revision: number): Promise<void> =>
      eventually(
        made,
        () => assert.fail(`the watch did not report revision ${revision}`),
        () => watch.reported.some((change) => keyOf(change) === key && revisionOf(change) === revision),
      );
    const first = await write(store, here.storeKey, reservation(here));
    await write(store, there.storeKey, reservation(there));
    await reports(here.storeKey, first);
    const second = await write(store, here.storeKey, commit(here), { expected: first });
    await reports(here.storeKey, second);
    const late = await store.put(here.storeKey, reservation(here), { expected: first, ttlMs: LONG_MS });
    assert.equal(late.ok, false);
    if (store.remove !== undefined) await remove(store, here.storeKey, second);
    const last = identity("last", { workspaceId: "ws-1" });
    await reports(last.storeKey, await write(store, last.storeKey, reservation(last)));
    watch.controller.abort();
    await watch.ended;

    const reported = watch.reported.filter((change) => keyOf(change) === here.storeKey);
    assert.deepEqual(reported.slice(0, 2).map(withoutEntryEnd), [
      { type: "put", entry: { key: here.storeKey, record: reservation(here), revision: first } },
      { type: "put", entry: { key: here.storeKey, record: commit(here), revision: second } },
    ]);
    if (store.remove !== undefined) {
      const [, , removed] = reported;
      assert.ok(removed?.type === "removed" && removed.revision > second, "the watch did not report the removal");
    }
    assert.equal(reported.length, store.remove === undefined ? 2 : 3);
    const others = watch.reported.map(keyOf).filter((key) => key === there.storeKey || key === before.storeKey);
    assert.deepEqual(others, [], "the watch reported a key that does not match, or a change from before it began");
  });

  test("a watch ends when it was aborted before it began, or is left", async (made) => {
    const { store } = made;
    assert.ok(store.watch !== undefined);
    assert.deepEqual(await collected(store.watch({}, AbortSignal.abort())), []);
    const { controller, ended, reported } = await startWatch(made, {}, 1);
    await ended;
    assert.equal(reported.length, 1);
    controller.abort();
  });

  test("an invalid filter of a watch is a TypeError", async ({ store }) => {
    await assert.rejects(async () => {
      assert.ok(store.watch !== undefined);
      const signal = AbortSignal.timeout(10_000);
      await collected(store.watch({ eventId: "evt-1" }, signal));
    }, TypeError);
  });
};

interface Watch {
  readonly reported: readonly Change[];
  readonly controller: AbortController;
  /** Resolves when the watch has ended. */
  readonly ended: Promise<void>;
}

/** Starts a watch, and writes a key until the watch reports it, since a watch may begin late. */
async function startWatch(
  made: StoreUnderTest,
  filter: KeyFilter,
  leaveAfter = Number.POSITIVE_INFINITY,
): Promise<Watch> {
  const { store } = made;
  assert.ok(store.watch !== undefined, "the store has no `watch`: name it in `without`");
  const reported: Change[] = [];
  const controller = new AbortController();
  const changes = store.watch(filter, controller.signal);
  const ended = (async () => {
    for await (const change of changes) {
      reported.push(change);
      if (reported.length >= leaveAfter) break;
    }
  })();
  const probe = identity("probe", { workspaceId: "ws-1" });
  let expected = 0;
  await eventually(
    made,
    () => assert.fail("the watch reported nothing"),
    async () => {
      if (reported.length > 0) return true;
      expected = await write(store, probe.storeKey, reservation(probe), { expected });
      await made.pass(1);
      return reported.length > 0;
    },
  );
  return { reported, controller, ended };
}

function withoutEntryEnd(change: Change): Change {
  return change.type === "put" ? { type: "put", entry: withoutEnd(change.entry) } : change;
}

function keyOf(change: Change): string {
  return change.type === "put" ? change.entry.key : change.key;
}

function revisionOf(change: Change): number {
  return change.type === "put" ? change.entry.revision : change.revision;
}

function listOf(store: Store, filter: KeyFilter): AsyncIterable<Entry> {
  assert.ok(store.list !== undefined, "the store has no `list`: name it in `without`");
  return store.list(filter);
}

/** Requires a list of these entries. Lists may be outdated for a while, so they are repeated. */
async function assertLists(made: StoreUnderTest, filter: KeyFilter, entries: readonly Entry[]): Promise<void> {
  const expected = sorted(entries);
  let listed: readonly Entry[] = [];
  await eventually(
    made,
    () => assertSame(listed, expected),
    async () => {
      listed = sorted(await collected(listOf(made.store, filter))).map(withoutEnd);
      return isDeepStrictEqual(listed, expected);
    },
  );
}

/** Fails with the first entries that differ. Node 26 takes a minute to compare thousands in a message. */
function assertSame(listed: readonly Entry[], expected: readonly Entry[]): void {
  const indexes = Array.from({ length: Math.max(listed.length, expected.length) }, (_, index) => index);
  const at = indexes.find((index) => !isDeepStrictEqual(listed[index], expected[index]));
  if (at !== undefined) assert.deepEqual(listed.slice(at, at + 3), expected.slice(at, at + 3));
}

function sorted(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
}
