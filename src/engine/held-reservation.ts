import type { CommitReport, Reservation } from "../model/decision.ts";
import type { DedupKey } from "../model/identity.ts";
import type { Fence } from "../model/record.ts";
import type { Attempt } from "./attempt.ts";

/** The reservation that an attempt holds, as its caller sees it. */
export class HeldReservation implements Reservation {
  readonly decision = "unseen";
  readonly key: DedupKey;
  readonly fence: Fence;
  readonly attempt: number;
  readonly owner: string;
  readonly unprotected: boolean;
  readonly #attempt: Attempt;

  constructor(attempt: Attempt, owner: string) {
    const { context } = attempt;
    this.key = attempt.identity.key;
    this.fence = context.fence;
    this.attempt = context.attempt;
    this.owner = owner;
    this.unprotected = context.unprotected;
    this.#attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#attempt.promises.lostSignal;
  }

  /** Returns true if the reservation is still held. Other work in this process may have taken longer than the lease. */
  mayBegin(): boolean {
    return this.#attempt.mayBegin();
  }

  commit(result?: unknown): Promise<CommitReport> {
    return this.#attempt.commit(result);
  }

  release(): Promise<void> {
    return this.#attempt.release();
  }

  /** Releases the key because the handler threw. */
  fail(error: unknown): Promise<void> {
    return this.#attempt.release({ error });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#attempt.release();
  }
}
