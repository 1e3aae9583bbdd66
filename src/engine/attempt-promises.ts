import type { ReservationLostError } from "../errors.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import type { CommitReport } from "../model/decision.ts";
import type { Entry } from "../model/store.ts";
import type { KnownCommit } from "./commit-cache.ts";
import type { HeldReservation } from "./held-reservation.ts";

/** What a claim came to. */
export type ClaimResult =
  | { readonly found: "unseen"; readonly reservation: HeldReservation }
  | { readonly found: "duplicate"; readonly commit: KnownCommit }
  /** Without an entry when nobody was seen: the key was lost and free again by turns, or given back. */
  | { readonly found: "pending"; readonly entry: Entry | undefined };

/** All that the caller of one delivery may wait for. But for the verdict, it is made when somebody asks for it: most never do. */
export class AttemptPromises {
  readonly #verdict = deferred<ClaimResult>();
  #committed: Deferred<CommitReport> | undefined;
  #ended: Deferred<void> | undefined;
  #over: AbortController | undefined;
  #isOver = false;
  #abort: AbortController | undefined;
  #lost: ReservationLostError | undefined;

  /** What the claim came to; rejects when the store could not say. */
  get verdict(): Promise<ClaimResult> {
    return this.#verdict.promise;
  }

  /** How the commit ended. */
  get committed(): Promise<CommitReport> {
    this.#committed ??= deferred<CommitReport>();
    return this.#committed.promise;
  }

  /** Resolves when the key is settled. */
  get ended(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#ended ??= deferred<void>();
    return this.#ended.promise;
  }

  /** Aborts when the key is settled: for those who may not wait so long, and leave nothing behind. */
  get over(): AbortSignal {
    this.#over ??= new AbortController();
    if (this.#isOver) this.#over.abort();
    return this.#over.signal;
  }

  /** Aborts when the reservation is lost. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  /** Whether the reservation is lost, and the handler told so or about to be. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  answer(verdict: ClaimResult): void {
    this.#verdict.resolve(verdict);
  }

  refuse(error: unknown): void {
    this.#verdict.reject(error);
  }

  /** The reservation is lost; {@link stop} tells the handler. */
  lose(why: ReservationLostError): void {
    this.#lost = why;
  }

  stop(): void {
    this.#abort?.abort(this.#lost);
  }

  confirm(report: CommitReport): void {
    this.#committed?.resolve(report);
  }

  end(): void {
    this.#isOver = true;
    this.#ended?.resolve();
    this.#over?.abort();
  }
}
