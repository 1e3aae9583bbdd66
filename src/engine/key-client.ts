import type { DedupKeyContext, DedupKeyEvent } from "../../machines/dedup-key.ts";
import { isForLackOfRoom, isStoreUnavailable, StoreUnavailableError } from "../errors.ts";
import type { DedupRecord } from "../model/record.ts";
import type { Entry, Removal } from "../model/store.ts";
import { readPut } from "../stores/validated-store.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { Lease } from "./lease.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type RequestKind, StoreRequests } from "./store-requests.ts";

/** Reads and writes one key of the store for an attempt, and translates every answer into an event of the machine. */
export class KeyClient {
  readonly #context: AttemptContext;
  readonly #records: RecordWriter;
  readonly #lease: Lease;
  readonly #requests: StoreRequests<KeyClient>;
  #trouble: unknown;
  #seen: Entry | undefined;

  constructor(context: AttemptContext, records: RecordWriter, lease: Lease) {
    this.#context = context;
    this.#records = records;
    this.#lease = lease;
    this.#requests = new StoreRequests(context, this);
  }

  /** The last error of the store since a write of the reservation was acknowledged. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /** The last record of another attempt that a request found. */
  get seen(): Entry | undefined {
    return this.#seen;
  }

  putReservation(context: DedupKeyContext, expected: number, timeoutMs: number): void {
    const { engine, how } = this.#context;
    this.#put(this.#records.reserved(context), expected, how.leaseMs + engine.options.skewMs, timeoutMs);
  }

  putCommit(context: DedupKeyContext): void {
    const { actor, how } = this.#context;
    // Nothing in the store would refuse this write if the key was cleared.
    const obstacle = context.revision === 0 ? this.#clearedSince() : undefined;
    if (obstacle !== undefined) actor.send(obstacle);
    else this.#put(this.#records.committed(context), context.revision, how.windowMs, how.leaseMs);
  }

  /** @param error summary of the handler's error, or `undefined` if it did not fail. */
  remove(context: DedupKeyContext, error: string | undefined): void {
    const { engine, identity } = this.#context;
    const { revision } = context;
    const how = error === undefined ? {} : { failure: this.#records.failure(context, error) };
    const answer = engine.store.remove(identity.storeKey, { expected: revision, ...how }, identity);
    this.#requests.track("write", this.#context.how.leaseMs, answer, (client, removal) =>
      client.#interpretRemoval(removal),
    );
  }

  read(): void {
    const { engine, how, identity, phase } = this.#context;
    const answer = engine.store.get(identity.storeKey, identity);
    const timeoutMs = phase === "dispatching" ? this.#lease.renewalTimeoutMs : how.leaseMs;
    this.#requests.track("read", timeoutMs, answer, (client, entry) => client.#interpretEntry(entry));
  }

  /** Forgets earlier trouble, because the reservation is stored. */
  clearTrouble(): void {
    this.#trouble = undefined;
  }

  /** Resolves when no request is in flight. */
  idle(): Promise<void> {
    return this.#requests.idle();
  }

  stop(): void {
    this.#requests.drop();
  }

  /** Returns the error for a key that could not be claimed. */
  claimError({ inDoubt }: DedupKeyContext): unknown {
    const { identity, how } = this.#context;
    if (this.#trouble === undefined) {
      return new StoreUnavailableError(
        `The store takes longer to answer than a lease of ${how.leaseMs} ms: ${identity.key} was not reserved. Use a longer \`leaseMs\``,
        { ambiguous: true },
      );
    }
    if (!inDoubt || !isStoreUnavailable(this.#trouble)) return this.#trouble;
    const message = `It is not known whether ${identity.key} was reserved: nothing was dispatched`;
    return new StoreUnavailableError(message, { ambiguous: true, cause: this.#trouble });
  }

  #put(record: DedupRecord, expected: number, ttlMs: number, timeoutMs: number): void {
    const { engine, identity } = this.#context;
    const answer = engine.store.put(identity.storeKey, record, { expected, ttlMs });
    this.#requests.track("write", timeoutMs, answer, KeyClient.#interpretPut);
  }

  static #interpretPut(client: KeyClient, answer: unknown): DedupKeyEvent {
    const { identity } = client.#context;
    const put = readPut(identity.storeKey, answer, identity);
    return put.ok
      ? { type: "write.acked", revision: put.revision, late: client.#lease.isLate }
      : client.#interpretConflict(put.current);
  }

  #interpretRemoval(removal: Removal | undefined): DedupKeyEvent {
    if (removal === undefined) return { type: "unremovable" };
    return removal.ok ? { type: "removed" } : this.#interpretConflict(removal.current);
  }

  #interpretConflict(current: Entry | undefined): DedupKeyEvent {
    return current === undefined ? { type: "write.conflicted" } : this.#interpretEntry(current);
  }

  #interpretEntry(entry: Entry | undefined): DedupKeyEvent {
    if (entry === undefined) {
      const cleared = this.#context.phase === "committing" ? this.#clearedSince() : undefined;
      return cleared ?? { type: "found.nothing" };
    }
    const { record, revision } = entry;
    if (this.#records.isOwn(record, this.#context.phase)) {
      return record.state === "committed"
        ? { type: "found.own.commit", revision }
        : { type: "found.own.reservation", revision, late: this.#lease.isLate };
    }
    this.#seen = entry;
    if (record.state === "committed") return { type: "found.commit", revision };
    const { leases, nowMs } = this.#context.engine;
    const ended = leases.observe(entry, nowMs) <= 0;
    return { type: "found.reservation", revision, attempt: record.attempt, ended };
  }

  /** Returns the event for an empty key that was, or may have been, cleared since it was known to be held. */
  #clearedSince(): DedupKeyEvent | undefined {
    const cleared = this.#context.engine.clears.since(this.#lease.epoch);
    if (cleared === "unchanged") return undefined;
    if (cleared === "cleared") return { type: "found.cleared" };
    const message = `It is not known whether ${this.#context.identity.key} was cleared: its commit waits`;
    this.#trouble = new StoreUnavailableError(message, { ambiguous: true, cause: this.#trouble });
    return { type: "store.unreachable", ambiguous: false };
  }

  /** Returns `undefined` if the request was sent again: a result never delays a commit that the store has room for. */
  interpretError(error: unknown, kind: RequestKind): DedupKeyEvent | undefined {
    if (kind === "write" && this.#context.phase === "committing" && isForLackOfRoom(error)) {
      const dropped = this.#records.dropResult(error);
      if (dropped !== undefined) {
        this.#context.report({ type: "result-not-kept", error: dropped });
        this.putCommit(this.#context.actor.getSnapshot().context);
        return undefined;
      }
    }
    const isUnavailable = isStoreUnavailable(error);
    const ambiguous = kind === "write" && (!isUnavailable || error.ambiguous);
    this.#trouble = error;
    this.#context.report({ type: "store-unavailable", ambiguous, error });
    return isUnavailable || this.#context.phase !== "claiming"
      ? { type: "store.unreachable", ambiguous }
      : { type: "store.broken" };
  }
}
