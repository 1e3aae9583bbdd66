import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Identity, type ResolvedIdentity, resolveIdentity, type StoreKey } from "../../model/identity.ts";
import type { CommitRecord, DedupRecord, ReservationRecord } from "../../model/record.ts";
import type { Entry, Put, Removal, Revision, Store } from "../../model/store.ts";

/** A store under test, and its time. */
export interface StoreUnderTest {
  /** Store to test. */
  readonly store: Store;
  /** Returns the milliseconds that have passed, by a clock that is not slower than the store's. */
  readonly monotonicMs: () => number;
  /** Resolves when at least `ms` have passed. Waits in real time, or moves simulated time forward. */
  readonly pass: (ms: number) => Promise<void>;
  /** Runs after each test, whatever its result. */
  readonly dispose?: () => Promise<void>;
}

/** The methods that a store may lack. */
export type OptionalMethod = "remove" | "list" | "watch";

/** Registers the tests of one aspect of the contract. */
export type Aspect = (test: (title: string, body: (made: StoreUnderTest) => Promise<void>) => void) => void;

export const LONG_MS = 60_000;
/** Maximum delay until a store removes an expired key, or shows a change. */
const MAX_DELAY_MS = 20_000;
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

/** Writes a record, and requires success. */
export async function write(
  store: Store,
  key: StoreKey,
  record: DedupRecord,
  { expected = 0, ttlMs = LONG_MS }: { readonly expected?: Revision; readonly ttlMs?: number } = {},
): Promise<Revision> {
  const put = await store.put(key, record, { expected, ttlMs });
  if (!put.ok) return assert.fail(`the write over revision ${expected} was refused`);
  assert.ok(Number.isSafeInteger(put.revision) && put.revision > 0, "a revision must be a whole number above 0");
  return put.revision;
}

/** Removes an entry, and requires success. */
export async function remove(store: Store, key: StoreKey, expected: Revision): Promise<void> {
  assert.deepEqual(await removal(store, key, expected), { ok: true });
}

export async function removal(store: Store, key: StoreKey, expected: Revision): Promise<Removal> {
  assert.ok(store.remove !== undefined, "the store has no `remove`: name it in `without`");
  return store.remove(key, { expected });
}

/** Requires a conflict that changes nothing. If the conflict contains an entry, it must be the current one. */
export async function assertConflict(
  made: StoreUnderTest,
  result: Put | Removal,
  key: StoreKey,
  holds: Omit<Entry, "key"> | undefined,
): Promise<void> {
  if (result.ok) assert.fail("a write over another revision was applied");
  if (result.current !== undefined) assert.deepEqual(withoutEnd(result.current), { key, ...holds });
  await assertHolds(made, key, holds);
}

/** Requires that the key holds an entry. Reads may be outdated for a while, so they are repeated. */
export async function assertHolds(
  made: StoreUnderTest,
  key: StoreKey,
  holds: Omit<Entry, "key"> | undefined,
): Promise<void> {
  const expected = holds && { key, ...holds };
  let read: Entry | undefined;
  await eventually(
    made,
    () => assert.deepEqual(read, expected),
    async () => {
      read = await made.store.get(key).then((entry) => entry && withoutEnd(entry));
      return isDeepStrictEqual(read, expected);
    },
  );
}

/** Returns the entry without its end, which no decision reads. */
export function withoutEnd({ key, record, revision }: Entry): Entry {
  return { key, record, revision };
}

/** Requires that the key lives, unless enough time has passed for it to expire. */
export async function assertAlive(made: StoreUnderTest, key: StoreKey, sinceMs: number, ttlMs: number): Promise<void> {
  const entry = await made.store.get(key);
  const passedMs = made.monotonicMs() - sinceMs;
  assert.ok(
    entry !== undefined || passedMs >= ttlMs,
    `the key was gone after ${passedMs} ms, with a time to live of ${ttlMs} ms`,
  );
}

/** Waits until the key is empty. */
export async function assertExpires(made: StoreUnderTest, key: StoreKey): Promise<void> {
  await eventually(
    made,
    () => assert.fail(`the key was not removed within ${MAX_DELAY_MS} ms`),
    async () => (await made.store.get(key)) === undefined,
  );
}

/** Waits until a condition holds, since a store may show a change late. Calls `otherwise` if it never does. */
export async function eventually(
  made: StoreUnderTest,
  otherwise: () => void,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += STEP_MS) {
    if (waitedMs >= MAX_DELAY_MS) {
      otherwise();
      return;
    }
    await made.pass(STEP_MS);
  }
}
