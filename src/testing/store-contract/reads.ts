import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { KeyFilter, ResolvedIdentity } from "../../model/identity.ts";
import type { Change, Entry, Store } from "../../model/store.ts";
import {
  type Aspect,
  assertEnds,
  becomes,
  collected,
  commit,
  identity,
  LONG_MS,
  remove,
  reservation,
  type StoreUnderTest,
  write,
} from "./fixture.ts";

const places = [
  identity("evt-1", { workspaceId: "ws-1", subscriptionId: "sub-1" }),
  identity("evt-2", { workspaceId: "ws-1", subscriptionId: "sub-1" }),
  identity("evt-1", { workspaceId: "ws-1", subscriptionId: "sub-2" }),
  identity("evt-1", { workspaceId: "ws-2", subscriptionId: "sub-1" }),
  identity("evt-3", { workspaceId: "ws-2", subscriptionId: "sub-2" }),
];

const filters: readonly KeyFilter[] = [
  {},
  { workspaceId: "ws-1" },
  { subscriptionId: "sub-1" },
  { workspaceId: "ws-2", subscriptionId: "sub-2" },
  { subscriptionId: "sub-1", eventId: "evt-1" },
  { workspaceId: "ws-1", subscriptionId: "sub-1", eventId: "evt-1" },
  { workspaceId: "ws-3" },
];

function isIn(filter: KeyFilter, place: ResolvedIdentity): boolean {
  return (
    (filter.workspaceId ?? place.workspaceId) === place.workspaceId &&
    (filter.subscriptionId ?? place.subscriptionId) === place.subscriptionId &&
    (filter.eventId ?? place.eventId) === place.eventId
  );
}

/** What stands where. */
export const listing: Aspect = (test) => {
  test("a list of nothing ends", async (made) => {
    await assertLists(made, {}, []);
  });

  test("a list has each key that matches once, with what it holds", async (made) => {
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
        entries.filter((_, index) => isIn(filter, places[index] ?? assert.fail())),
      );
    }
  });

  test("a list has what was written last, and nothing that ended or was removed", async (made) => {
    const { store } = made;
    const [kept, ended, removed] = [identity("kept"), identity("ended"), identity("removed")];
    const first = await write(store, kept.storeKey, reservation(kept));
    await write(store, ended.storeKey, reservation(ended), { ttlMs: 1_000 });
    const gone = await write(store, removed.storeKey, reservation(removed));
    if (store.remove === undefined)
      await write(store, removed.storeKey, commit(removed), { expected: gone, ttlMs: 1_000 });
    else await remove(store, removed.storeKey, gone);
    const revision = await write(store, kept.storeKey, commit(kept), { expected: first });
    await assertEnds(made, ended.storeKey);
    await assertEnds(made, removed.storeKey);
    await assertLists(made, {}, [{ key: kept.storeKey, record: commit(kept), revision }]);
  });

  test("a long list is complete, and may be left early", async (made) => {
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

  test("a filter that makes no sense is a TypeError", async ({ store }) => {
    await assert.rejects(() => collected(listOf(store, { eventId: "evt-1" })), TypeError);
    await assert.rejects(() => collected(listOf(store, { workspaceId: "" })), TypeError);
  });
};

/** What happens, as it happens. */
export const watching: Aspect = (test) => {
  test("a watch tells what happens to the keys that match, in order and from now on, until it is aborted", async (made) => {
    const { store } = made;
    const [here, there] = [places[0] ?? assert.fail(), places[3] ?? assert.fail()];
    const before = identity("before", { workspaceId: "ws-1" });
    await write(store, before.storeKey, reservation(before));
    const watch = await startWatch(made, { workspaceId: "ws-1" });
    // A store may keep the last change of a key only, and leave out those before it for a watch that comes late to it.
    const hears = (key: string, revision: number): Promise<void> =>
      becomes(
        made,
        () => assert.fail(`the watch did not tell of revision ${revision}`),
        () => watch.heard.some((change) => keyOf(change) === key && revisionOf(change) === revision),
      );
    const first = await write(store, here.storeKey, reservation(here));
    await write(store, there.storeKey, reservation(there));
    await hears(here.storeKey, first);
    const second = await write(store, here.storeKey, commit(here), { expected: first });
    await hears(here.storeKey, second);
    const late = await store.put(here.storeKey, reservation(here), { expected: first, ttlMs: LONG_MS });
    assert.equal(late.ok, false);
    if (store.remove !== undefined) await remove(store, here.storeKey, second);
    const last = identity("last", { workspaceId: "ws-1" });
    await hears(last.storeKey, await write(store, last.storeKey, reservation(last)));
    watch.controller.abort();
    await watch.ended;

    const heard = watch.heard.filter((change) => keyOf(change) === here.storeKey);
    assert.deepEqual(heard.slice(0, 2), [
      { type: "put", entry: { key: here.storeKey, record: reservation(here), revision: first } },
      { type: "put", entry: { key: here.storeKey, record: commit(here), revision: second } },
    ]);
    if (store.remove !== undefined) {
      const [, , removed] = heard;
      assert.ok(removed?.type === "removed" && removed.revision > second, "the watch did not tell of the removal");
    }
    assert.equal(heard.length, store.remove === undefined ? 2 : 3);
    const others = watch.heard.map(keyOf).filter((key) => key === there.storeKey || key === before.storeKey);
    assert.deepEqual(others, [], "the watch told of what it was not to tell");
  });

  test("a watch that is aborted before it begins, or left, ends", async (made) => {
    const { store } = made;
    assert.ok(store.watch !== undefined);
    assert.deepEqual(await collected(store.watch({}, AbortSignal.abort())), []);
    const { controller, ended, heard } = await startWatch(made, {}, 1);
    await ended;
    assert.equal(heard.length, 1);
    controller.abort();
  });

  test("a filter that makes no sense is a TypeError for a watch, too", async ({ store }) => {
    await assert.rejects(async () => {
      assert.ok(store.watch !== undefined);
      const signal = AbortSignal.timeout(10_000);
      await collected(store.watch({ eventId: "evt-1" }, signal));
    }, TypeError);
  });
};

interface Watch {
  readonly heard: readonly Change[];
  readonly controller: AbortController;
  /** Resolves when the watch ended. */
  readonly ended: Promise<void>;
}

/** A watch begins some time after it is asked for: a key is written until the watch tells of it. */
async function startWatch(
  made: StoreUnderTest,
  filter: KeyFilter,
  leaveAfter = Number.POSITIVE_INFINITY,
): Promise<Watch> {
  const { store } = made;
  assert.ok(store.watch !== undefined, "the store has no `watch`: say so with `without`");
  const heard: Change[] = [];
  const controller = new AbortController();
  const changes = store.watch(filter, controller.signal);
  const ended = (async () => {
    for await (const change of changes) {
      heard.push(change);
      if (heard.length >= leaveAfter) break;
    }
  })();
  const probe = identity("probe", { workspaceId: "ws-1" });
  let expected = 0;
  await becomes(
    made,
    () => assert.fail("the watch told of nothing"),
    async () => {
      if (heard.length > 0) return true;
      expected = await write(store, probe.storeKey, reservation(probe), { expected });
      await made.pass(1);
      return heard.length > 0;
    },
  );
  return { heard, controller, ended };
}

function keyOf(change: Change): string {
  return change.type === "put" ? change.entry.key : change.key;
}

function revisionOf(change: Change): number {
  return change.type === "put" ? change.entry.revision : change.revision;
}

function listOf(store: Store, filter: KeyFilter): AsyncIterable<Entry> {
  assert.ok(store.list !== undefined, "the store has no `list`: say so with `without`");
  return store.list(filter);
}

/** A list, too, may be a little out of date. */
async function assertLists(made: StoreUnderTest, filter: KeyFilter, entries: readonly Entry[]): Promise<void> {
  const right = sorted(entries);
  let listed: readonly Entry[] = [];
  await becomes(
    made,
    () => assert.deepEqual(listed, right),
    async () => {
      listed = sorted(await collected(listOf(made.store, filter)));
      return isDeepStrictEqual(listed, right);
    },
  );
}

function sorted(entries: readonly Entry[]): Entry[] {
  return [...entries].sort((a, b) => (a.key < b.key ? -1 : 1));
}
