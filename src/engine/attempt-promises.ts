import type { ReservationLostError } from "../errors.ts";
import { Deferred } from "../internal/deferred.ts";
import type { CommitReport } from "../model/decision.ts";
import type { Entry } from "../model/store.ts";
import type { KnownCommit } from "./commit-cache.ts";

/** The result of claiming a key. */
export type ClaimResult =
  | { readonly found: "unseen" }
  | { readonly found: "duplicate"; readonly commit: KnownCommit }
  /** `entry` is absent if no holder was seen: the key kept changing hands, or was released again. */
  | { readonly found: "pending"; readonly entry: Entry | undefined };

/** The promises and signals of one attempt. All but the claim are created on demand, because most are never used. */
export class AttemptPromises {
  readonly #claim = new Deferred<ClaimResult>();
  #committed: Deferred<CommitReport> | undefined;
  #settled: Deferred<void> | undefined;
  #settledSignal: AbortController | undefined;
  #abort: AbortController | undefined;
  #lost: ReservationLostError | undefined;

  /** Rejects when the store could not decide. */
  get claimed(): Promise<ClaimResult> {
    return this.#claim.promise;
  }

  /** Rejects when the key was released instead. */
  get committed(): Promise<CommitReport> {
    this.#committed ??= new Deferred<CommitReport>();
    return this.#committed.promise;
  }

  /** Resolves when the attempt is settled; for use before that only. */
  get settled(): Promise<void> {
    this.#settled ??= new Deferred<void>();
    return this.#settled.promise;
  }

  /** Aborts when the attempt is settled; for use before that only. Unlike a promise, it keeps no waiter in memory. */
  get settledSignal(): AbortSignal {
    this.#settledSignal ??= new AbortController();
    return this.#settledSignal.signal;
  }

  /** Aborts when the reservation is lost. */
  get lostSignal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  resolveClaim(result: ClaimResult): void {
    this.#claim.resolve(result);
  }

  rejectClaim(error: unknown): void {
    this.#claim.reject(error);
  }

  /** Records that the reservation is lost. {@link abort} then aborts the handler's signal. */
  lose(reason: ReservationLostError): void {
    this.#lost = reason;
  }

  abort(): void {
    this.#abort?.abort(this.#lost);
  }

  resolveCommit(report: CommitReport): void {
    this.#committed?.resolve(report);
  }

  /** Calls `error` only if a caller waits for the commit. */
  rejectCommit(error: () => unknown): void {
    this.#committed?.reject(error());
  }

  settle(): void {
    this.#settled?.resolve();
    this.#settledSignal?.abort();
  }
}
