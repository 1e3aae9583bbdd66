import { type DedupRecord, fenceOf } from "../../model/record.ts";
import { Recent } from "./recent.ts";
import type { EventRef, TraceEvent } from "./trace-event.ts";

/** What a key holds, as a store or a history tells. */
export interface HeldRecord {
  readonly key: string;
  readonly record: DedupRecord;
  readonly revision: number;
}

/** What became of a key, as a store or a history tells. */
export type RecordChange =
  | { readonly type: "put"; readonly entry: HeldRecord }
  | { readonly type: "removed"; readonly key: string; readonly revision: number };

/** What was last seen of a key: of its record only what is told, nothing that a handler returned. */
interface Standing {
  readonly identity: EventRef;
  readonly isReserved: boolean;
  readonly owner: string;
  readonly token: string;
  readonly attempt: number;
  readonly fence: number;
  readonly revision: number;
  readonly leaseMs: number;
  readonly atMs: number;
  /** When the reservation was first written, by its owner's clock. */
  readonly beganAtMs: number;
}

/**
 * Tells from what becomes of a store's records what the replicas did: reserved, renewed, committed, released. What leaves no
 * trace there, duplicates and pending deliveries before all, it cannot tell. Of each key only what is newer than what it has seen counts,
 * so that a listing and a watch can be read one after the other, or again.
 */
export class StoreReader {
  /** Apart from each other, so that any number of commits makes it forget no reservation whose end is still to be told. */
  readonly #reserved: Recent<Standing>;
  readonly #committed: Recent<Standing>;

  /** @param most how many keys of each state are remembered; of more, those that changed longest ago are forgotten. */
  constructor(most: number) {
    this.#reserved = new Recent(most);
    this.#committed = new Recent(most);
  }

  /** What a key holds as the reading begins. A commit that was not expected is no step: it may be of yesterday. */
  readListed(entry: HeldRecord, nowMs: number): TraceEvent | undefined {
    const { record, key } = entry;
    if (record.state === "reserved") return this.#readPut(entry, leaseStart(record, nowMs));
    if (this.#get(key) !== undefined) return this.#readPut(entry, nowMs);
    this.#remember(entry, record.atMs);
    return undefined;
  }

  /** What a change tells; `undefined` when nothing new. */
  read(change: RecordChange, nowMs: number): TraceEvent | undefined {
    return change.type === "put"
      ? this.#readPut(change.entry, nowMs)
      : this.#readRemoval(change.key, change.revision, nowMs);
  }

  /** What the key held is to be told no more. */
  forget(storeKey: string): void {
    this.#reserved.delete(storeKey);
    this.#committed.delete(storeKey);
  }

  /** The keys whose reservations stand, as far as is known. */
  reserved(): Set<string> {
    return new Set(this.#reserved.keys());
  }

  /** A key whose reservation stood holds nothing: it has ended, and nobody saw how. */
  readMissing(key: string, nowMs: number): TraceEvent | undefined {
    const standing = this.#reserved.get(key);
    if (standing === undefined) return undefined;
    this.forget(key);
    return { ...stepOf("released", standing, nowMs), cause: UNSEEN };
  }

  #get(key: string): Standing | undefined {
    return this.#reserved.get(key) ?? this.#committed.get(key);
  }

  #readPut(entry: HeldRecord, nowMs: number): TraceEvent | undefined {
    const { record, revision, key } = entry;
    const before = this.#get(key);
    if (before !== undefined && before.revision >= revision) return undefined;
    const isSame = before?.token === record.token;
    const standing = this.#remember(entry, isSame ? before.beganAtMs : record.atMs);
    if (standing.isReserved) return stepOf(record.fence === 0 ? "reserved" : "renewed", standing, nowMs);
    const isLate = isSame && record.atMs - before.atMs > before.leaseMs;
    return { ...stepOf("committed", standing, nowMs), cause: isLate ? "adopted" : "confirmed" };
  }

  #readRemoval(key: string, revision: number, nowMs: number): TraceEvent | undefined {
    const standing = this.#get(key);
    if (standing === undefined || standing.revision >= revision) return undefined;
    this.forget(key);
    return stepOf(standing.isReserved ? "released" : "cleared", standing, nowMs);
  }

  #remember({ key, record, revision }: HeldRecord, beganAtMs: number): Standing {
    const { workspaceId, subscriptionId, eventId, state, owner, token, attempt, leaseMs, atMs } = record;
    const isReserved = state === "reserved";
    const identity = { storeKey: key, workspaceId, subscriptionId, eventId };
    const fence = fenceOf(record, revision);
    const standing = { identity, isReserved, owner, token, attempt, fence, revision, leaseMs, atMs, beganAtMs };
    (isReserved ? this.#committed : this.#reserved).delete(key);
    (isReserved ? this.#reserved : this.#committed).set(key, standing);
    return standing;
  }
}

/** When the lease began: as its owner's clock says, if that can be. */
function leaseStart({ atMs, leaseMs }: DedupRecord, nowMs: number): number {
  return atMs <= nowMs && atMs + leaseMs > nowMs ? atMs : nowMs;
}

/** The cause of an end that nobody saw. */
const UNSEEN = "ended while nobody watched";

function stepOf(
  type: "reserved" | "renewed" | "committed" | "released" | "cleared",
  { identity, owner, attempt, fence, revision, leaseMs, atMs, beganAtMs }: Standing,
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
