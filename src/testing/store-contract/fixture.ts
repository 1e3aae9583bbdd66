import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Identity, type ResolvedIdentity, resolveIdentity, type StoreKey } from "../../model/identity.ts";
import type { CommitRecord, DedupRecord, ReservationRecord } from "../../model/record.ts";
import type { Entry, Put, Removal, Revision, Store } from "../../model/store.ts";

/** A store, and the time by which it lets go of what has ended. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Milliseconds that have passed, by a clock that does not run slower than the store's. */
  readonly monotonicMs: () => number;
  /** Resolves when at least `ms` more have passed: real time is waited for, simulated time is moved on. */
  readonly pass: (ms: number) => Promise<void>;
  /** Called after the test, however it ended. */
  readonly dispose?: () => Promise<void>;
}

/** The methods that a store may do without. */
export type OptionalMethod = "remove" | "list" | "watch";

/** Registers the tests of one aspect of the contract. */
export type Aspect = (test: (title: string, body: (made: StoreUnderTest) => Promise<void>) => void) => void;

export const LONG_MS = 60_000;
/** How much later than told a store may let go of a key, at most. */
const TARDY_MS = 20_000;
const STEP_MS = 250;

export function identity(name: string, rest: Partial<Identity> = {}): ResolvedIdentity {
  return resolveIdentity({ subscriptionId: "sub-1", ...rest, eventId: name });
}

export function reservation(of: ResolvedIdentity, rest: Partial<ReservationRecord> = {}): ReservationRecord {
  const { workspaceId, subscriptionId, eventId } = of;
  return {
    v: 1,
    state: "reserved",
    workspaceId,
    subscriptionId,
    eventId,
    owner: "replica-1",
    token: "token-1",
    attempt: 1,
    fence: 0,
    leaseMs: 30_000,
    atMs: 1_893_456_000_000,
    ...rest,
  };
}

export function commit(of: ResolvedIdentity, rest: Partial<CommitRecord> = {}): CommitRecord {
  return { ...reservation(of), state: "committed", fence: 1, ...rest };
}

/** Writes where a write must succeed. */
export async function write(
  store: Store,
  key: StoreKey,
  record: DedupRecord,
  { expected = 0, ttlMs = LONG_MS }: { readonly expected?: Revision; readonly ttlMs?: number } = {},
): Promise<Revision> {
  const put = await store.put(key, record, { expected, ttlMs });
  if (!put.ok) return assert.fail(`the write over revision ${expected} was refused`);
  assert.ok(Number.isSafeInteger(put.revision) && put.revision > 0, "a revision is a whole number above 0");
  return put.revision;
}

/** Removes where a removal must succeed. */
export async function remove(store: Store, key: StoreKey, expected: Revision): Promise<void> {
  assert.deepEqual(await removal(store, key, expected), { ok: true });
}

export async function removal(store: Store, key: StoreKey, expected: Revision): Promise<Removal> {
  assert.ok(store.remove !== undefined, "the store has no `remove`: say so with `without`");
  return store.remove(key, { expected });
}

/** A conflict changes nothing; where it tells what stands there, it tells the truth. */
export async function assertRefused(
  made: StoreUnderTest,
  answer: Put | Removal,
  key: StoreKey,
  holds: Omit<Entry, "key"> | undefined,
): Promise<void> {
  if (answer.ok) assert.fail("a write over another revision was applied");
  if (answer.current !== undefined) assert.deepEqual(answer.current, { key, ...holds });
  await assertHolds(made, key, holds);
}

/** Reads what the key holds. A store may answer a little out of date, so it is asked again before it is wrong. */
export async function assertHolds(
  made: StoreUnderTest,
  key: StoreKey,
  holds: Omit<Entry, "key"> | undefined,
): Promise<void> {
  const right = holds && { key, ...holds };
  let read: Entry | undefined;
  await becomes(
    made,
    () => assert.deepEqual(read, right),
    async () => {
      read = await made.store.get(key);
      return isDeepStrictEqual(read, right);
    },
  );
}

/** The key is there, unless so much time has gone by that it may have ended. */
export async function assertStillThere(
  made: StoreUnderTest,
  key: StoreKey,
  sinceMs: number,
  ttlMs: number,
): Promise<void> {
  const entry = await made.store.get(key);
  const passedMs = made.monotonicMs() - sinceMs;
  assert.ok(entry !== undefined || passedMs >= ttlMs, `gone within ${passedMs} ms, written to live ${ttlMs} ms`);
}

/** Waits until the key holds nothing. */
export async function assertEnds(made: StoreUnderTest, key: StoreKey): Promise<void> {
  await becomes(
    made,
    () => assert.fail(`not let go of within ${TARDY_MS} ms`),
    async () => (await made.store.get(key)) === undefined,
  );
}

/** Waits until it is so, for what a store may do a little later; calls `otherwise` when it never is. */
export async function becomes(
  made: StoreUnderTest,
  otherwise: () => void,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let waitedMs = 0; !(await isSo()); waitedMs += STEP_MS) {
    if (waitedMs >= TARDY_MS) {
      otherwise();
      return;
    }
    await made.pass(STEP_MS);
  }
}

/** All that there is, when it ends. */
export async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
