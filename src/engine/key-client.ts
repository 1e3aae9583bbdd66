import type { DedupKeyContext, DedupKeyEvent } from "../../machines/dedup-key.ts";
import { isStoreUnavailable, StoreUnavailableError } from "../errors.ts";
import type { DedupRecord } from "../model/record.ts";
import type { Entry, Put, Removal } from "../model/store.ts";
import { readPut, type ValidatedStore } from "../stores/validated-store.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { Lease } from "./lease.ts";
import type { ObservedLeases } from "./observed-leases.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type RequestKind, StoreRequests } from "./store-requests.ts";

/** What a flight's view of the store rests on. */
export interface StoreSide {
  readonly store: ValidatedStore;
  readonly leases: ObservedLeases;
  /** How much longer than its lease the store keeps a reservation. */
  readonly skewMs: number;
}

/** The key of a flight, as the store holds it: writes and removes the flight's own record, and judges what else stands there. */
export class KeyClient {
  readonly #of: AttemptContext;
  readonly #side: StoreSide;
  readonly #own: RecordWriter;
  readonly #lease: Lease;
  readonly #questions: StoreRequests;
  #trouble: unknown;
  #seen: Entry | undefined;

  constructor(of: AttemptContext, side: StoreSide, own: RecordWriter, lease: Lease) {
    this.#of = of;
    this.#side = side;
    this.#own = own;
    this.#lease = lease;
    this.#questions = new StoreRequests(of, (error, kind) => this.#troubled(error, kind));
  }

  /** The last trouble with the store since a write of a reservation was acknowledged. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /** The record of another that stood in the way. */
  get seen(): Entry | undefined {
    return this.#seen;
  }

  putReserved(context: DedupKeyContext, expected: number): void {
    this.#put(this.#own.reserved(context), expected, this.#of.how.leaseMs + this.#side.skewMs);
  }

  putCommitted(context: DedupKeyContext): void {
    this.#put(this.#own.committed(context), context.revision, this.#of.how.windowMs);
  }

  remove({ revision }: DedupKeyContext): void {
    const { identity } = this.#of;
    const question = () => this.#side.store.remove(identity.storeKey, { expected: revision }, identity);
    this.#questions.ask("write", question, (removal) => this.#removed(removal));
  }

  read(): void {
    const { identity } = this.#of;
    const question = () => this.#side.store.get(identity.storeKey, identity);
    this.#questions.ask("read", question, (entry) => this.#found(entry));
  }

  /** The reservation stands: what troubled the store before is over. */
  settleDown(): void {
    this.#trouble = undefined;
  }

  /** Resolves when no answer is waited for. */
  idle(): Promise<void> {
    return this.#questions.idle();
  }

  stop(): void {
    this.#questions.drop();
  }

  /** Why the key could not be claimed. */
  refusal({ inDoubt }: DedupKeyContext): unknown {
    const { identity, how } = this.#of;
    if (this.#trouble === undefined) {
      return new StoreUnavailableError(
        `The store takes longer to answer than a lease of ${how.leaseMs} ms: ${identity.key} was not reserved`,
        { ambiguous: true },
      );
    }
    if (!inDoubt || !isStoreUnavailable(this.#trouble)) return this.#trouble;
    const message = `It is not known whether ${identity.key} was reserved: nothing was dispatched`;
    return new StoreUnavailableError(message, { ambiguous: true, cause: this.#trouble });
  }

  #put(record: DedupRecord, expected: number, ttlMs: number): void {
    const { identity } = this.#of;
    const { storeKey } = identity;
    const question = () => this.#side.store.put(storeKey, record, { expected, ttlMs });
    this.#questions.ask("write", question, (answer) => this.#written(readPut(storeKey, answer, identity)));
  }

  #written(put: Put): DedupKeyEvent {
    return put.ok
      ? { type: "write.acked", revision: put.revision, late: this.#lease.isLate }
      : this.#conflicted(put.current);
  }

  #removed(removal: Removal | undefined): DedupKeyEvent {
    if (removal === undefined) return { type: "unremovable" };
    return removal.ok ? { type: "removed" } : this.#conflicted(removal.current);
  }

  #conflicted(current: Entry | undefined): DedupKeyEvent {
    return current === undefined ? { type: "write.conflicted" } : this.#found(current);
  }

  #found(entry: Entry | undefined): DedupKeyEvent {
    if (entry === undefined) return { type: "found.nothing" };
    const { record, revision } = entry;
    if (this.#own.isOwn(record)) {
      return record.state === "committed"
        ? { type: "found.own.commit", revision }
        : { type: "found.own.reservation", revision, late: this.#lease.isLate };
    }
    this.#seen = entry;
    if (record.state === "committed") return { type: "found.commit", revision };
    const ended = this.#side.leases.see(entry, this.#of.clock.monotonicMs()) <= 0;
    return { type: "found.reservation", revision, attempt: record.attempt, ended };
  }

  #troubled(error: unknown, kind: RequestKind): DedupKeyEvent {
    const unavailable = isStoreUnavailable(error);
    const ambiguous = kind === "write" && (!unavailable || error.ambiguous);
    this.#trouble = error;
    this.#of.report({ type: "store-unavailable", ambiguous, error });
    return unavailable || !this.#of.isClaiming ? { type: "store.unreachable", ambiguous } : { type: "store.broken" };
  }
}
