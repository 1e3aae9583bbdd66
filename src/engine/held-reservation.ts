import type { CommitReport, Reservation } from "../model/decision.ts";
import type { DedupKey } from "../model/identity.ts";
import type { Fence } from "../model/record.ts";

/** What a reservation is told by its holder. */
export interface Holder {
  readonly signal: AbortSignal;
  mayBegin(): boolean;
  succeed(result: unknown): Promise<CommitReport>;
  /** `failure` is there when a handler threw. */
  fail(failure?: { readonly error: unknown }): Promise<void>;
}

/** What a holder may know of its reservation. */
export interface Grant {
  readonly key: DedupKey;
  readonly fence: Fence;
  readonly attempt: number;
  readonly owner: string;
  readonly unprotected: boolean;
}

/** A reservation in the hands of its holder. */
export class HeldReservation implements Reservation {
  readonly decision = "unseen";
  readonly key: DedupKey;
  readonly fence: Fence;
  readonly attempt: number;
  readonly owner: string;
  readonly unprotected: boolean;
  readonly #holder: Holder;

  constructor(grant: Grant, holder: Holder) {
    this.key = grant.key;
    this.fence = grant.fence;
    this.attempt = grant.attempt;
    this.owner = grant.owner;
    this.unprotected = grant.unprotected;
    this.#holder = holder;
  }

  get signal(): AbortSignal {
    return this.#holder.signal;
  }

  /** Whether it still stands when its handler's turn comes: what runs before in this process can take longer than a lease. */
  mayBegin(): boolean {
    return this.#holder.mayBegin();
  }

  commit(result?: unknown): Promise<CommitReport> {
    return this.#holder.succeed(result);
  }

  release(): Promise<void> {
    return this.#holder.fail();
  }

  /** Gives the key back because the handler threw. */
  fail(error: unknown): Promise<void> {
    return this.#holder.fail({ error });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#holder.fail();
  }
}
