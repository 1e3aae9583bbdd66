import { LruMap } from "../../internal/lru-map.ts";
import type { DispatchFailure } from "../../model/failure.ts";
import { type DedupRecord, fenceOf } from "../../model/record.ts";
import { heldSinceMs } from "../conclusions/held-since.ts";
import type { KeyedIdentity, TraceEvent } from "./trace-event.ts";

/** The record of a key, as a store or a history reports it. */
export interface StoredRecord {
  readonly key: string;
  readonly record: DedupRecord;
  readonly revision: number;
}

/** A change of a key, as a store or a history reports it. */
export type RecordChange =
  | { readonly type: "put"; readonly entry: StoredRecord }
  | {
      readonly type: "removed";
      readonly key: string;
      readonly revision: number;
      readonly failure?: DispatchFailure;
    };

/** The last known state of a key, without the handler's result. */
interface LastRecord {
  readonly identity: KeyedIdentity;
  readonly isReserved: boolean;
  readonly owner: string;
  readonly token: string;
  readonly attempt: number;
  readonly fence: number;
  readonly revision: number;
  readonly leaseMs: number;
  readonly atMs: number;
  /** Time of the reservation's first write, by its owner's clock. */
  readonly beganAtMs: number;
}

/**
 * Derives what the replicas did from the changes of a store's records: reserved, renewed, committed, released. Duplicates and
 * pending deliveries leave no trace in a store. The reader ignores revisions that it has already seen, so a listing and a watch may
 * overlap.
 */
export class StoreReader {
  /** Two caches, so that commits never evict a reservation whose end is still to come. */
  readonly #reserved: LruMap<string, LastRecord>;
  readonly #committed: LruMap<string, LastRecord>;

  /** @param limit number of remembered keys in each state. */
  constructor(limit: number) {
    this.#reserved = new LruMap(limit);
    this.#committed = new LruMap(limit);
  }

  /** Reads a listed record. Returns no event for a commit of unknown origin, which may be from yesterday. */
  readListed(entry: StoredRecord, nowMs: number): TraceEvent | undefined {
    const { record, key } = entry;
    if (record.state === "reserved") return this.#readPut(entry, leaseStartMs(record, nowMs));
    if (this.#get(key) !== undefined) return this.#readPut(entry, nowMs);
    this.#remember(entry, record.atMs);
    return undefined;
  }

  /** Reads a change. Returns no event if it brings nothing new, and two for the release after a failed dispatch. */
  read(change: RecordChange, nowMs: number): readonly TraceEvent[] {
    const event =
      change.type === "put"
        ? this.#readPut(change.entry, nowMs)
        : this.#readRemoval(change.key, change.revision, nowMs);
    if (event === undefined) return [];
    const failure = change.type === "removed" ? change.failure : undefined;
    const isOfHolder = event.type === "released" && failure?.fence === event.fence;
    return isOfHolder ? [{ ...event, type: "failed", cause: failure.error }, event] : [event];
  }

  /** Forgets a key, so that its removal is not reported. */
  forget(storeKey: string): void {
    this.#reserved.delete(storeKey);
    this.#committed.delete(storeKey);
  }

  /** Returns the keys that were reserved when they were last read. */
  reservedKeys(): Set<string> {
    return new Set(this.#reserved.keys());
  }

  /** Reads that a reserved key is now empty: the reservation ended unseen. */
  readMissing(key: string, nowMs: number): TraceEvent | undefined {
    const known = this.#reserved.peek(key);
    if (known === undefined) return undefined;
    this.forget(key);
    return { ...traceEventOf("released", known, nowMs), cause: UNSEEN };
  }

  #get(key: string): LastRecord | undefined {
    return this.#reserved.peek(key) ?? this.#committed.peek(key);
  }

  #readPut(entry: StoredRecord, nowMs: number): TraceEvent | undefined {
    const { record, revision, key } = entry;
    const before = this.#get(key);
    if (before !== undefined && before.revision >= revision) return undefined;
    const isSame = before?.token === record.token;
    const known = this.#remember(entry, isSame ? before.beganAtMs : beganAtMs(record));
    if (known.isReserved) return traceEventOf(record.fence === 0 ? "reserved" : "renewed", known, nowMs);
    const isLate = isSame && record.atMs - before.atMs > before.leaseMs;
    return { ...traceEventOf("committed", known, nowMs), cause: isLate ? "adopted" : "confirmed" };
  }

  #readRemoval(key: string, revision: number, nowMs: number): TraceEvent | undefined {
    const known = this.#get(key);
    if (known === undefined || known.revision >= revision) return undefined;
    this.forget(key);
    return traceEventOf(known.isReserved ? "released" : "cleared", known, nowMs);
  }

  #remember({ key, record, revision }: StoredRecord, beganAtMs: number): LastRecord {
    const { workspaceId, subscriptionId, eventId, state, owner, token, attempt, leaseMs, atMs } = record;
    const isReserved = state === "reserved";
    const identity = { storeKey: key, workspaceId, subscriptionId, eventId };
    const fence = fenceOf(record, revision);
    const known = { identity, isReserved, owner, token, attempt, fence, revision, leaseMs, atMs, beganAtMs };
    (isReserved ? this.#committed : this.#reserved).delete(key);
    (isReserved ? this.#reserved : this.#committed).set(key, known);
    return known;
  }
}

/** Returns the time of the reservation's first write by its owner's clock, as far as the record shows it. */
function beganAtMs(record: DedupRecord): number {
  return record.state === "reserved" ? heldSinceMs(record.atMs, record) : record.atMs;
}

/** Returns the start of the lease by its owner's clock, or now if that clock cannot be right. */
function leaseStartMs({ atMs, leaseMs }: DedupRecord, nowMs: number): number {
  return atMs <= nowMs && atMs + leaseMs > nowMs ? atMs : nowMs;
}

/** Cause of an end that happened while the store was not watched. */
const UNSEEN = "ended while the store was not watched";

function traceEventOf(
  type: "reserved" | "renewed" | "committed" | "released" | "cleared",
  { identity, owner, attempt, fence, revision, leaseMs, atMs, beganAtMs }: LastRecord,
  nowMs: number,
): TraceEvent {
  return {
    type,
    identity,
    atMs: nowMs,
    replica: owner,
    owner,
    attempt,
    fence,
    revision,
    durationMs: type === "reserved" ? 0 : Math.max(0, atMs - beganAtMs),
    forMs: type === "reserved" || type === "renewed" ? leaseMs : 0,
    cause: "",
  };
}
