import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { closedError, LatchkeyError, ReservationLostError } from "../errors.ts";
import type { Clock } from "../internal/clock.ts";
import type { TimerQueue } from "../internal/timer-queue.ts";
import { text } from "../internal/validate.ts";
import type { CommitOutcome, CommitReport } from "../model/decision.ts";
import type { DedupEventDetail } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { Entry } from "../model/store.ts";
import type { ResolvedReserveOptions } from "../options.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { AttemptPromises } from "./attempt-promises.ts";
import { FRESH_MS, knownCommit } from "./commit-cache.ts";
import type { EngineContext } from "./engine-context.ts";
import { HeldReservation, type Holder } from "./held-reservation.ts";
import { KeyClient } from "./key-client.ts";
import { Lease } from "./lease.ts";
import { type Effects, Life } from "./life.ts";
import { RecordWriter } from "./record-writer.ts";
import { RetryTimer } from "./retry-timer.ts";

const PROMISES_TO_A_HANDLER = 16;

/**
 * One delivery of one key on its way through the machine: does what the machine says, and tells it what the caller does.
 *
 * One question to the store is awaited at a time. When the machine asks the next before the last is answered (a commit while a
 * renewal is under way), the old answer is dropped; what it wrote is recognised by its token when it stands in the way.
 */
export class Attempt implements Effects, Holder, AttemptContext {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly startedAtMs: number;
  readonly caller = new AttemptPromises();
  readonly #air: EngineContext;
  readonly #life: Life;
  readonly #own: RecordWriter;
  readonly #lease: Lease;
  readonly #patience: RetryTimer;
  readonly #stored: KeyClient;
  /** What was known of clears before the store was asked. */
  #mark: number | undefined;
  #commitSentAtMs = 0;
  #phase: "claiming" | "held" | "succeeded" | "failed" = "claiming";
  #unwanted: "abandoned" | "closing" | undefined;

  constructor(air: EngineContext, identity: ResolvedIdentity, how: ResolvedReserveOptions) {
    this.#air = air;
    this.identity = identity;
    this.how = how;
    this.startedAtMs = this.clock.monotonicMs();
    this.#mark = air.commits.mark;
    const mayDispatchUnprotected = air.options.onStoreUnavailable === "dispatch";
    this.#life = new Life(this, identity.key, { mayDispatchUnprotected, attempt: how.attempt }, air.actors);
    // Made here, where it may throw: what the machine has done must not.
    const id = text("the answer of newId", air.options.newId());
    this.#own = new RecordWriter(identity, how, air.options.owner, id);
    this.#lease = new Lease(this, air.options.renew);
    this.#patience = new RetryTimer(this);
    this.#stored = new KeyClient(this, air, this.#own, this.#lease);
  }

  get clock(): Clock {
    return this.#air.options.clock;
  }

  get deadlines(): TimerQueue {
    return this.#air.deadlines;
  }

  get isClaiming(): boolean {
    return this.#phase === "claiming";
  }

  get signal(): AbortSignal {
    return this.caller.signal;
  }

  /** How long the reservation lasts at most without a renewal. */
  get leaseLeftMs(): number {
    return this.#lease.leftMs;
  }

  get handlerReturned(): boolean {
    return this.#phase === "succeeded" || this.#phase === "failed";
  }

  begin(): void {
    this.#life.begin();
  }

  send(event: DedupKeyEvent): void {
    this.#life.send(event);
  }

  report(detail: DedupEventDetail, context = this.#life.context): void {
    if (!this.#air.listeners.isHeard) return;
    const durationMs = this.clock.monotonicMs() - this.startedAtMs;
    this.#air.listeners.report(this.identity, detail, this.#air.options.owner, context, durationMs);
  }

  /** Nobody waits for the verdict any more: what was or will be granted all the same is given back. */
  abandon(): void {
    this.#unwanted ??= "abandoned";
    void this.fail();
  }

  /**
   * Tells the handler to stop, gives the key back, and resolves when that is done. A commit under way is waited for, and that of
   * a handler which returns as soon as it is told.
   */
  async shutdown(): Promise<void> {
    if (this.#phase !== "held") {
      this.#unwanted ??= "closing";
      return this.caller.ended;
    }
    this.send({ type: "shutdown" });
    await Promise.race([this.#stored.idle(), this.caller.ended]);
    // A handler that returns at once when it is told comes back over the promises between it and here.
    for (let turn = 0; turn < PROMISES_TO_A_HANDLER && !this.handlerReturned; turn += 1) await Promise.resolve();
    if (this.handlerReturned) await this.caller.ended;
  }

  mayBegin(): boolean {
    this.deadlines.runDue();
    return !this.caller.isLost;
  }

  succeed(result: unknown): Promise<CommitReport> {
    if (this.#phase === "held") this.deadlines.runDue();
    if (this.#phase === "failed") {
      const message = `The reservation of ${this.identity.key} was released before`;
      return Promise.reject(new LatchkeyError("reservation-released", message));
    }
    const { committed } = this.caller;
    if (this.#phase === "held") {
      // First of all: listeners, and what makes JSON of the result, may come back with a release.
      this.#phase = "succeeded";
      this.report({ type: "dispatched" });
      const error = this.how.keepResult ? this.#own.keep(result) : undefined;
      if (error !== undefined) this.report({ type: "result-not-kept", error });
      this.#own.date(this.clock.wallMs());
      this.#mark = this.#air.commits.mark;
      this.#commitSentAtMs = this.clock.monotonicMs();
      this.#patience.rest();
      this.#patience.last(this.#life.context.unprotected ? 0 : this.how.leaseMs);
      this.send({ type: "handler.succeeded" });
    }
    return committed;
  }

  fail(failure?: { readonly error: unknown }): Promise<void> {
    if (this.#phase === "held") {
      this.#phase = "failed";
      if (failure !== undefined) this.report({ type: "failed", error: failure.error });
      this.send({ type: "handler.failed" });
    }
    return this.caller.ended;
  }

  // What the machine's actions do.

  putReservation(context: DedupKeyContext): void {
    if (!context.inDoubt) {
      this.#own.attempt();
      this.#own.date(this.clock.wallMs());
      this.#lease.send("afresh");
      this.#patience.last(this.how.leaseMs / 2);
    }
    this.#stored.putReserved(context, context.expected);
  }

  readRecord(): void {
    this.#stored.read();
  }

  renewLease(context: DedupKeyContext): void {
    this.#own.date(this.clock.wallMs());
    this.#lease.send("again");
    this.#stored.putReserved(context, context.revision);
  }

  putCommit(context: DedupKeyContext): void {
    this.#stored.putCommitted(context);
  }

  removeReservation(context: DedupKeyContext): void {
    this.#stored.remove(context);
  }

  armRetry(): void {
    this.#patience.arm();
  }

  armDeadline(context: DedupKeyContext): void {
    this.#stored.settleDown();
    this.#patience.rest();
    if (this.#lease.begin() === "renewed") this.report({ type: "renewed", leaseMs: this.how.leaseMs }, context);
  }

  armRenewalRetry(): void {
    this.#lease.renewIn(this.#patience.nextPauseMs());
  }

  startHandler(context: DedupKeyContext): void {
    this.#phase = "held";
    this.#air.leases.forget(this.identity.storeKey);
    if (context.unprotected) this.report({ type: "unprotected", error: this.#stored.trouble }, context);
    else this.report({ type: "reserved", leaseMs: this.how.leaseMs }, context);
    if (this.#unwanted === undefined) {
      const grant = { key: this.identity.key, owner: this.#air.options.owner, ...context };
      this.caller.answer({ found: "unseen", reservation: new HeldReservation(grant, this) });
      return;
    }
    if (this.#unwanted === "closing") this.caller.refuse(closedError());
    else this.caller.answer({ found: "pending", entry: undefined });
    void this.fail();
  }

  abortHandler(
    context: DedupKeyContext,
    { reason }: { readonly reason: "lease-ended" | "superseded" | "shutdown" },
  ): void {
    if (this.caller.isLost) return;
    const cause = this.#stored.trouble;
    const outOfReach = reason === "lease-ended" && (cause !== undefined || this.#lease.isInDoubt);
    const why = outOfReach ? "store-unavailable" : reason;
    this.#lease.stop();
    this.#air.yieldKey(this);
    this.caller.lose(new ReservationLostError(this.identity.key, why, outOfReach ? { cause } : undefined));
    this.report({ type: "expired", reason: why }, context);
    this.caller.stop();
  }

  settle(context: DedupKeyContext, { as }: { readonly as: Settlement }): void {
    this.#stored.stop();
    this.#lease.stop();
    this.#patience.stop();
    this.#air.land(this);
    this.#tellEnd(context, as);
    this.caller.end();
  }

  #tellEnd(context: DedupKeyContext, as: Settlement): void {
    const { seen, trouble } = this.#stored;
    switch (as) {
      case "duplicate":
        if (seen !== undefined) this.#tellDuplicate(seen);
        break;
      case "pending":
        this.caller.answer({ found: "pending", entry: seen });
        break;
      case "unavailable":
        this.caller.refuse(this.#stored.refusal(context));
        break;
      case "released":
      case "left-to-expire":
        this.report({ type: "released", left: as === "released" ? "nothing" : "reservation" }, context);
        break;
      case "confirmed":
      case "adopted":
        this.#keepCommit(context);
        this.report({ type: "committed", commit: as }, context);
        this.#confirm(as);
        break;
      case "superseded":
        this.report({ type: "superseded" }, context);
        this.#confirm(as);
        break;
      case "unconfirmed":
        this.report({ type: "unconfirmed", error: trouble }, context);
        this.#confirm(as);
        break;
    }
  }

  #tellDuplicate(seen: Entry): void {
    const commit = knownCommit(seen, this.startedAtMs + FRESH_MS);
    if (commit === undefined) return;
    this.#air.commits.keepRead(this.identity.storeKey, commit, this.#mark);
    this.caller.answer({ found: "duplicate", commit });
  }

  #keepCommit(context: DedupKeyContext): void {
    const commit = this.#own.known(context, this.#commitSentAtMs + this.how.windowMs);
    if (commit !== undefined) this.#air.commits.keepOwn(this.identity.storeKey, commit, this.#mark);
  }

  #confirm(commit: CommitOutcome): void {
    const { resultError } = this.#own;
    this.caller.confirm(resultError === undefined ? { commit } : { commit, resultError });
  }
}
