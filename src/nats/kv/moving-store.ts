import { isStoreUnavailable, StoreUnavailableError } from "../../errors.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import { type DedupRecord, encodeRecord } from "../../model/record.ts";
import type { Change, Entry, Put, Removal, Revision } from "../../model/store.ts";
import { jointEpoch } from "./bucket-epoch.ts";
import type { NatsStore } from "./bucket-store.ts";
import { merged } from "./merged.ts";

/** How often the place that follows may change under a write. */
const ROUNDS = 10;

/**
 * The store of a replica while keys move from one place to another. It holds an event in both: so it agrees with the replicas
 * that know only the old place, and with those that know only the new one, which never run at the same time.
 *
 *     first roll-out    old      old      both     both              an event is claimed in the old place first, then in the new;
 *     second roll-out                     both     both     new      whoever has both, or all that it knows of, has the event
 *
 * The old place decides, and gives the revisions. The new one follows: what is written to the old one is written to it as well,
 * unless somebody else has the event there. Then a claim is given back, and anything else is lost to them. A write is done when
 * both have it; one that got stuck between them is repeated by its caller, and recognised.
 */
export function movingStore(from: NatsStore, to: NatsStore): NatsStore {
  return {
    maxWindowMs: Math.min(from.maxWindowMs, to.maxWindowMs),

    async put(
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      const first = await putFirst(from, key, record, how);
      if (!first.ok) return first;
      const isClaim = record.state === "reserved" && record.fence === 0;
      try {
        const second = await follow(to, key, record, how);
        if (second.ok) return first;
        if (isClaim) await from.remove(key, { expected: first.revision });
        return second;
      } catch (error) {
        // What is surely not in the new place is not left in the old one. What may be is completed when it is repeated.
        if (isClaim && isStoreUnavailable(error) && !error.ambiguous) {
          await from.remove(key, { expected: first.revision }).catch(() => {});
        }
        throw error;
      }
    },

    async get(key: StoreKey): Promise<Entry | undefined> {
      const [old, next] = await Promise.all([from.get(key), to.get(key)]);
      return [old, next].find((entry) => entry?.record.state === "committed") ?? old ?? next;
    },

    async remove(key: StoreKey, { expected }: { readonly expected: Revision }): Promise<Removal> {
      const [old, next] = await Promise.all([from.get(key), to.get(key)]);
      const meant = [old, next].find((entry) => entry?.revision === expected);
      if (meant === undefined) return conflict(old ?? next);
      const isMeant = (entry: Entry | undefined): entry is Entry => entry?.record.token === meant.record.token;
      // The old place last: as long as it holds the event, a replica that knows both does not begin with it.
      const second = isMeant(next) ? await to.remove(key, { expected: next.revision }) : { ok: true };
      const first = isMeant(old) ? await from.remove(key, { expected: old.revision }) : { ok: true };
      return { ok: first.ok && second.ok };
    },

    async *list(filter: KeyFilter): AsyncGenerator<Entry, void> {
      const listed = new Set<StoreKey>();
      for await (const entry of from.list(filter)) {
        listed.add(entry.key);
        yield entry;
      }
      for await (const entry of to.list(filter)) {
        if (!listed.has(entry.key)) yield entry;
      }
    },

    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      merged(
        [from, to].map((place) => (until) => place.watch(filter, until)),
        signal,
      ),

    invalidation: jointEpoch([from.invalidation, to.invalidation]),
  };
}

/** Writes to the place that decides; the very same write, made before, is as good. */
async function putFirst(
  place: NatsStore,
  key: StoreKey,
  record: DedupRecord,
  how: { readonly expected: Revision; readonly ttlMs: number },
): Promise<Put> {
  const put = await place.put(key, record, how);
  if (put.ok) return put;
  const current = put.current ?? (await place.get(key));
  return current !== undefined && isSame(current.record, record)
    ? { ok: true, revision: current.revision }
    : conflict(current);
}

/** Writes over nothing, or over what the same holder wrote, but never over its commit. */
async function follow(
  place: NatsStore,
  key: StoreKey,
  record: DedupRecord,
  { expected, ttlMs }: { readonly expected: Revision; readonly ttlMs: number },
): Promise<Put> {
  let standing = expected === 0 ? undefined : await place.get(key);
  for (let round = 0; round < ROUNDS; round += 1) {
    if (standing !== undefined) {
      if (isSame(standing.record, record)) return { ok: true, revision: standing.revision };
      const isOwn = standing.record.token === record.token;
      const isBack = standing.record.state === "committed" && record.state === "reserved";
      if (!isOwn || isBack) return conflict(standing);
    }
    const put = await place.put(key, record, { expected: standing?.revision ?? 0, ttlMs });
    if (put.ok) return put;
    standing = put.current ?? (await place.get(key));
  }
  throw new StoreUnavailableError(`What stands under ${key} changes too fast to be followed`, { ambiguous: true });
}

function isSame(one: DedupRecord, other: DedupRecord): boolean {
  return encodeRecord(one) === encodeRecord(other);
}

function conflict(current: Entry | undefined): { readonly ok: false; readonly current?: Entry } {
  return current === undefined ? { ok: false } : { ok: false, current };
}
