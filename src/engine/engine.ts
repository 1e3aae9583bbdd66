import { closedError, deadlockError } from "../errors.ts";
import { abortable } from "../internal/abort.ts";
import { within } from "../internal/clock.ts";
import type { Duplicate, Pending } from "../model/decision.ts";
import type { DedupEvent } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { Measurement } from "../model/measurement.ts";
import type { ValidatedStore } from "../stores/validated-store.ts";
import { Attempt, type OnAttemptEnd } from "./attempt.ts";
import type { ClaimResult } from "./attempt-promises.ts";
import { Attempts } from "./attempts.ts";
import { FRESH_MS } from "./commit-cache.ts";
import { EngineContext } from "./engine-context.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./engine-options.ts";
import { HeldReservation } from "./held-reservation.ts";
import { PendingWait } from "./pending-wait.ts";
import { Rejections, ReserveCall } from "./rejections.ts";
import { isInside } from "./running-handlers.ts";

/** Time that `close` waits for commits and releases after the drain, in milliseconds. */
const CLOSE_GRACE_MS = 5_000;

type Rejection = Duplicate | Pending;

/** A decision, with the reservation's members for the deduplicator itself. */
export type EngineDecision = HeldReservation | Rejection;

/** Decides every call of one deduplicator, with at most one current attempt for each key. */
export class Engine {
  readonly #context: EngineContext;
  readonly #rejections: Rejections;
  readonly #attempts = new Attempts();
  readonly #onEnd: OnAttemptEnd = (attempt, how) => this.#attempts.end(attempt, how);
  readonly #closing = new AbortController();

  constructor(options: ResolvedOptions, store: ValidatedStore) {
    this.#context = new EngineContext(options, store);
    this.#rejections = new Rejections(this.#context);
  }

  /** Returns no promise if the answer is known. @throws synchronously if the answer is known and is an error. */
  reserve(identity: ResolvedIdentity, how: ResolvedReserveOptions): Rejection | Promise<EngineDecision> {
    const { nowMs } = this.#context;
    const call = new ReserveCall(identity, how, nowMs);
    if (how.onPending === "return") return this.#decide(call, nowMs);
    const wait = new PendingWait(this.#context, identity, how, this.#closing.signal);
    return this.#decideAfter(wait, call).finally(() => wait.end());
  }

  subscribe(listener: (event: DedupEvent) => void): () => void {
    return this.#context.listeners.add(listener);
  }

  measure(listener: (measurement: Measurement) => void): () => void {
    return this.#context.meters.add(listener);
  }

  /** Number of keys between their reservation and their commit or release. */
  get inFlight(): number {
    return this.#attempts.all().filter(({ hasKey }) => hasKey).length;
  }

  async close(drainMs: number): Promise<void> {
    this.#closing.abort(closedError());
    if (!this.#attempts.isEmpty) await this.#within(drainMs, this.#attempts.whenEmpty());
    const released = this.#attempts.all().map((attempt) => attempt.shutdown());
    if (released.length > 0) await this.#within(CLOSE_GRACE_MS, Promise.all(released));
  }

  /** Decides a call that does not wait. Not an async function, whose frame would live as long as the store's answer takes. */
  #decide(call: ReserveCall, nowMs: number): Rejection | Promise<EngineDecision> {
    const known = this.#decideFromMemory(call, nowMs);
    if (known !== undefined) return known;
    const { identity, how } = call;
    const current = this.#attempts.current(identity.storeKey);
    const attempt = current ?? this.#begin(identity, how, nowMs);
    const isOwn = current === undefined;
    return this.#claimOf(attempt, how.signal, isOwn).then((claim) => {
      if (claim.found === "unseen" && isOwn) return new HeldReservation(attempt, this.#context.options.owner);
      return isOutdated(call, attempt, claim)
        ? this.#decide(call, this.#context.nowMs)
        : this.#reject(call, attempt, claim);
    });
  }

  async #decideAfter(wait: PendingWait, first: ReserveCall): Promise<EngineDecision> {
    const { identity, how } = first;
    let call = first;
    for (;;) {
      const { nowMs } = this.#context;
      const known = this.#decideFromMemory(call, nowMs);
      if (known !== undefined) return known;
      const current = this.#attempts.current(identity.storeKey);
      const attempt = current ?? this.#begin(identity, how, nowMs);
      const claim =
        current === undefined ? await this.#claimOf(attempt, how.signal, true) : await wait.resultOf(current);
      if (claim?.found === "unseen" && current === undefined) {
        return new HeldReservation(attempt, this.#context.options.owner);
      }
      if (claim !== undefined && isOutdated(call, attempt, claim)) continue;
      const decision =
        claim === undefined ? this.#rejections.pendingHere(call, attempt) : this.#reject(call, attempt, claim);
      if (decision.decision === "duplicate" || wait.isOver) return decision;
      if (isInside(attempt)) throw deadlockError(identity.key);
      const isElsewhere = claim?.found === "pending" && claim.entry !== undefined;
      await wait.pause(isElsewhere ? "another replica" : attempt, decision.retryAfterMs);
      call = new ReserveCall(identity, how, call.startedAtMs, false);
    }
  }

  #begin(identity: ResolvedIdentity, how: ResolvedReserveOptions, nowMs: number): Attempt {
    const finished = this.#context.finished.find(identity.storeKey, nowMs);
    const attempt = new Attempt(this.#context, this.#onEnd, identity, finished?.how ?? how, nowMs, finished);
    this.#attempts.add(attempt);
    attempt.begin();
    return attempt;
  }

  #claimOf(attempt: Attempt, signal: AbortSignal | undefined, isOwn: boolean): Promise<ClaimResult> {
    const { claimed } = attempt.promises;
    if (signal === undefined) return claimed;
    return abortable(claimed, signal).catch((error: unknown) => {
      if (isOwn) attempt.abandon();
      throw error;
    });
  }

  /**
   * Decides without the store, if possible. A waiting call needs the current state, so it gets no remembered `pending`.
   * @throws if the caller aborted, and after {@link close}.
   */
  #decideFromMemory(call: ReserveCall, nowMs: number): Rejection | undefined {
    call.how.signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw closedError();
    const { identity } = call;
    const { commits, leases } = this.#context;
    const commit = commits.find(identity, nowMs);
    if (commit !== undefined) return this.#rejections.duplicate(call, commit);
    const { storeKey } = identity;
    if (call.how.onPending === "wait" || this.#attempts.current(storeKey) !== undefined) return undefined;
    const entry = leases.liveReservation(storeKey, call.how.attempt, nowMs);
    return entry && this.#rejections.pendingElsewhere(call, entry);
  }

  #reject(call: ReserveCall, attempt: Attempt, claim: ClaimResult): Rejection {
    if (claim.found === "duplicate") return this.#rejections.duplicate(call, claim.commit);
    if (claim.found === "unseen") return this.#rejections.pendingHere(call, attempt);
    return claim.entry === undefined
      ? this.#rejections.pendingNowhere(call)
      : this.#rejections.pendingElsewhere(call, claim.entry);
  }

  async #within(timeoutMs: number, ended: Promise<unknown>): Promise<void> {
    if (timeoutMs > 0) await within(this.#context.options.clock, timeoutMs, ended);
  }
}

/** Returns true if an older request may have found a commit that was cleared before this call. */
function isOutdated({ startedAtMs }: ReserveCall, attempt: Attempt, { found }: ClaimResult): boolean {
  return found === "duplicate" && startedAtMs >= attempt.startedAtMs + FRESH_MS;
}
