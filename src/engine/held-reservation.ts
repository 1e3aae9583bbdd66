import type { CommitReport, Reservation } from "../model/decision.ts";
import type { DedupKey } from "../model/dedup-key.ts";
import type { Fence } from "../model/record.ts";
import type { Attempt } from "./attempt.ts";

/**
 * The reservation that an attempt holds. All members of {@link Reservation} are own properties and need no `this`, so that a caller
 * may spread or destructure it. A class, because an object literal with these members costs 6 µs more (Node 24).
 */
export class HeldReservation implements Reservation {
  readonly decision = "unseen";
  readonly key: DedupKey;
  readonly idempotencyKey: DedupKey;
  readonly fence: Fence;
  readonly attempt: number;
  readonly owner: string;
  readonly unprotected: boolean;
  declare readonly signal: AbortSignal;
  readonly commit: (result?: unknown) => Promise<CommitReport>;
  readonly release: () => Promise<void>;
  declare readonly [Symbol.asyncDispose]: () => Promise<void>;
  readonly #attempt: Attempt;

  /** Most handlers never use their signal, and V8's young collections copy every `AbortSignal` (docs/performance.md). */
  static readonly #lazySignal: PropertyDescriptor & ThisType<HeldReservation> = {
    enumerable: true,
    get() {
      return this.#attempt.promises.lostSignal;
    },
  };

  constructor(attempt: Attempt, owner: string) {
    const { identity, context } = attempt;
    this.key = identity.key;
    this.idempotencyKey = identity.idempotencyKey;
    this.fence = context.fence;
    this.attempt = context.attempt;
    this.owner = owner;
    this.unprotected = context.unprotected;
    this.commit = (result) => attempt.commit(result);
    this.release = () => attempt.release();
    this[Symbol.asyncDispose] = this.release;
    this.#attempt = attempt;
    Object.defineProperty(this, "signal", HeldReservation.#lazySignal);
  }

  /** Returns true if the reservation is still held. Other work in this process may have taken longer than the lease. */
  mayBegin(): boolean {
    return this.#attempt.mayBegin();
  }

  /** True until the reservation is committed or released. */
  get isOpen(): boolean {
    return !this.#attempt.isSettled;
  }

  isOf(attempt: object): boolean {
    return this.#attempt === attempt;
  }

  /** Commits the key because the handler failed for good. */
  commitFailure(error: unknown): Promise<CommitReport> {
    return this.#attempt.commit(undefined, { error });
  }

  /** Releases the key because the handler threw. */
  fail(error: unknown): Promise<void> {
    return this.#attempt.release({ error });
  }
}
