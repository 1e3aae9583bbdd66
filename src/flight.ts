import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../machines/dedup-key.ts";
import type { CheckedStore } from "./checked-store.ts";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { CommitOutcome, CommitReport } from "./decision.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { isStoreUnavailable, LatchkeyError, ReservationLostError, StoreUnavailableError } from "./errors.ts";
import { HeldReservation, type Holder } from "./held-reservation.ts";
import { type KeptResult, keepResult } from "./kept-result.ts";
import type { ResolvedIdentity } from "./key.ts";
import { Lease } from "./lease.ts";
import { createLife, type Effects, type Life } from "./life.ts";
import type { ObservedLeases } from "./observed-leases.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./options.ts";
import { type QuestionKind, Questions } from "./questions.ts";
import type { DedupRecord, ReservationRecord } from "./record.ts";
import type { StepDetail, StepFields } from "./step.ts";
import type { Entry, Put } from "./store.ts";

/** What the flights of one deduplicator share. */
export interface Airspace {
  readonly options: ResolvedOptions;
  readonly store: CheckedStore;
  readonly deadlines: DeadlineQueue;
  readonly leases: ObservedLeases;
  /** The flight's lease has ended: it no longer stands in the way of another one for its key. */
  yieldKey(flight: Flight): void;
  land(flight: Flight): void;
  report(identity: ResolvedIdentity, detail: StepDetail, fields: Omit<StepFields, "identity" | "atMs">): void;
}

/** What a claim came to. */
export type Verdict =
  | { readonly found: "unseen"; readonly reservation: HeldReservation }
  | { readonly found: "duplicate"; readonly entry: Entry }
  /** Without an entry when nobody was seen: the key was lost and free again by turns, or given back. */
  | { readonly found: "pending"; readonly entry: Entry | undefined };

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const PROMISES_TO_A_HANDLER = 16;

/**
 * One delivery of one key on its way through the machine: does what the machine says, and tells it what happened.
 *
 * One question to the store is awaited at a time. When the machine asks the next before the last is answered (a commit while a
 * renewal is under way), the old answer is dropped; what it wrote is recognised by its token when it stands in the way.
 */
export class Flight implements Effects, Holder {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly #air: Airspace;
  readonly #life: Life;
  readonly #lease: Lease;
  readonly #questions: Questions;
  readonly #startedAtMs: number;
  readonly #verdict = deferred<Verdict>();
  // These are made when somebody asks for them: most deliveries never do.
  #ended: Deferred<void> | undefined;
  #isOver = false;
  #committed: Deferred<CommitReport> | undefined;
  #abort: AbortController | undefined;
  #lost: ReservationLostError | undefined;
  #phase: "claiming" | "held" | "succeeded" | "failed" = "claiming";
  #unwanted: "abandoned" | "closing" | undefined;
  #kept: KeptResult = { kept: "nothing" };

  #token = "";
  #sentAtWallMs = 0;
  /** Until when an unanswered question is worth repeating. */
  #patientUntilMs = 0;
  #pauses = 0;
  #retry: Deadline | undefined;
  /** The last trouble with the store since a write was acknowledged. */
  #trouble: unknown;
  /** The record of another that stood in the way. */
  #seen: Entry | undefined;

  constructor(air: Airspace, identity: ResolvedIdentity, how: ResolvedReserveOptions) {
    this.#air = air;
    this.identity = identity;
    this.how = how;
    this.#startedAtMs = this.#nowMs;
    this.#life = createLife(this, {
      mayDispatchUnprotected: air.options.onStoreUnavailable === "dispatch",
      attempt: how.attempt,
    });
    const { clock, renew } = air.options;
    const shared = { clock, deadlines: air.deadlines, send: (event: DedupKeyEvent) => this.#life.send(event) };
    this.#lease = new Lease({ ...shared, leaseMs: how.leaseMs, renew });
    this.#questions = new Questions({
      ...shared,
      patienceMs: how.leaseMs,
      judgeTrouble: (error, kind) => this.#troubled(error, kind),
    });
  }

  begin(): void {
    this.#life.begin();
  }

  /** What the claim came to; rejects when the store could not say. */
  get verdict(): Promise<Verdict> {
    return this.#verdict.promise;
  }

  /** Resolves when the key is settled. */
  get ended(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    this.#ended ??= deferred<void>();
    return this.#ended.promise;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#lost !== undefined) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  /** How long the reservation lasts at most without a renewal. */
  get leaseLeftMs(): number {
    return this.#lease.leftMs;
  }

  get handlerReturned(): boolean {
    return this.#phase === "succeeded" || this.#phase === "failed";
  }

  /** Nobody waits for the verdict any more: what was or will be granted all the same is given back. */
  abandon(): void {
    this.#unwanted ??= "abandoned";
    if (this.#phase === "held") this.#give("failed");
  }

  /**
   * Tells the handler to stop, gives the key back, and resolves when that is done. A commit under way is waited for, and that of
   * a handler which returns as soon as it is told.
   */
  async shutdown(): Promise<void> {
    if (this.#phase !== "held") {
      this.#unwanted ??= "closing";
      return this.ended;
    }
    this.#life.send({ type: "shutdown" });
    await Promise.race([this.#questions.idle(), this.ended]);
    // A handler that returns at once when it is told comes back over the promises between it and here.
    for (let turn = 0; turn < PROMISES_TO_A_HANDLER && !this.handlerReturned; turn += 1) await Promise.resolve();
    if (this.handlerReturned) await this.ended;
  }

  async succeed(result: unknown): Promise<CommitReport> {
    if (this.#phase === "held") this.#air.deadlines.runDue();
    if (this.#phase === "failed") {
      throw new LatchkeyError("reservation-released", `The reservation of ${this.identity.key} was released before`);
    }
    this.#committed ??= deferred<CommitReport>();
    if (this.#phase === "held") {
      this.#report({ type: "dispatched" });
      this.#kept = this.how.keepResult ? keepResult(result) : { kept: "nothing" };
      if (this.#kept.kept === "not") this.#report({ type: "result-not-kept", error: this.#kept.error });
      this.#sentAtWallMs = this.#wallMs;
      this.#pauses = 0;
      this.#patientUntilMs = this.#nowMs + (this.#life.context.unprotected ? 0 : this.how.leaseMs);
      this.#give("succeeded");
    }
    return this.#committed.promise;
  }

  async fail(failure?: { readonly error: unknown }): Promise<void> {
    if (this.#phase === "held") {
      if (failure !== undefined) this.#report({ type: "failed", error: failure.error });
      this.#give("failed");
    }
    return this.ended;
  }

  // What the machine's actions do.

  putReservation(context: DedupKeyContext): void {
    if (!context.inDoubt) {
      this.#token = this.#air.options.newId();
      this.#lease.send("afresh");
      this.#sentAtWallMs = this.#wallMs;
      this.#patientUntilMs = this.#nowMs + this.how.leaseMs / 2;
    }
    this.#putReserved(context, context.expected);
  }

  renewLease(context: DedupKeyContext): void {
    this.#lease.send("again");
    this.#sentAtWallMs = this.#wallMs;
    this.#putReserved(context, context.revision);
  }

  putCommit(context: DedupKeyContext): void {
    const result = this.#kept.kept === "result" ? { result: this.#kept.result } : {};
    this.#put({ ...this.#fields(context), state: "committed", ...result }, context.revision, this.how.windowMs);
  }

  removeReservation(context: DedupKeyContext): void {
    this.#questions.ask("write", async () => {
      const removal = await this.#air.store.remove(this.identity.storeKey, { expected: context.revision });
      if (removal === undefined) return { type: "unremovable" };
      return removal.ok ? { type: "removed" } : this.#conflicted(removal.current);
    });
  }

  readRecord(): void {
    this.#questions.ask("read", async () => this.#found(await this.#air.store.get(this.identity.storeKey)));
  }

  armRetry(): void {
    const pauseMs = this.#nextPauseMs();
    const atMs = Math.min(this.#nowMs + pauseMs, Math.max(this.#nowMs, this.#patientUntilMs));
    const retry = (): void => {
      this.#life.send({ type: "retry.due", exhausted: this.#nowMs >= this.#patientUntilMs });
    };
    if (atMs <= this.#nowMs) retry();
    else this.#retry = this.#air.deadlines.add(atMs, retry);
  }

  armDeadline(context: DedupKeyContext): void {
    this.#trouble = undefined;
    this.#pauses = 0;
    if (this.#lease.begin() === "renewed") this.#report({ type: "renewed", leaseMs: this.how.leaseMs }, context);
  }

  armRenewalRetry(): void {
    this.#lease.renewIn(this.#nextPauseMs());
  }

  startHandler(context: DedupKeyContext): void {
    this.#phase = "held";
    if (context.unprotected) this.#report({ type: "unprotected", error: this.#trouble }, context);
    else this.#report({ type: "reserved", leaseMs: this.how.leaseMs }, context);
    if (this.#unwanted === undefined) {
      const { owner } = this.#air.options;
      const grant = { key: this.identity.key, owner, ...context };
      this.#verdict.resolve({ found: "unseen", reservation: new HeldReservation(grant, this) });
      return;
    }
    if (this.#unwanted === "closing") this.#verdict.reject(closedError());
    else this.#verdict.resolve({ found: "pending", entry: undefined });
    this.#give("failed");
  }

  abortHandler(context: DedupKeyContext, reason: "lease-ended" | "superseded" | "shutdown"): void {
    if (this.#lost !== undefined) return;
    const outOfReach = reason === "lease-ended" && (this.#trouble !== undefined || this.#lease.isInDoubt);
    const why = outOfReach ? "store-unavailable" : reason;
    this.#lease.stop();
    this.#air.yieldKey(this);
    this.#lost = new ReservationLostError(this.identity.key, why, outOfReach ? { cause: this.#trouble } : undefined);
    this.#report({ type: "expired", reason: why }, context);
    this.#abort?.abort(this.#lost);
  }

  settle(context: DedupKeyContext, as: Settlement): void {
    this.#questions.drop();
    this.#lease.stop();
    this.#retry?.cancel();
    this.#air.land(this);
    switch (as) {
      case "duplicate":
        if (this.#seen !== undefined) this.#verdict.resolve({ found: "duplicate", entry: this.#seen });
        break;
      case "pending":
        this.#verdict.resolve({ found: "pending", entry: this.#seen });
        break;
      case "unavailable":
        this.#verdict.reject(this.#unavailable(context));
        break;
      case "released":
      case "left-to-expire":
        this.#report({ type: "released", left: as === "released" ? "nothing" : "reservation" }, context);
        break;
      case "confirmed":
      case "adopted":
        this.#report({ type: "committed", commit: as }, context);
        this.#resolveCommit(as);
        break;
      case "superseded":
        this.#report({ type: "superseded" }, context);
        this.#resolveCommit(as);
        break;
      case "unconfirmed":
        this.#report({ type: "unconfirmed", error: this.#trouble }, context);
        this.#resolveCommit(as);
        break;
    }
    this.#isOver = true;
    this.#ended?.resolve();
  }

  get #nowMs(): number {
    return this.#air.options.clock.monotonicMs();
  }

  get #wallMs(): number {
    return this.#air.options.clock.wallMs();
  }

  #fields(context: DedupKeyContext): Omit<ReservationRecord, "state"> {
    const { workspaceId, subscriptionId, eventId } = this.identity;
    return {
      v: 1,
      workspaceId,
      subscriptionId,
      eventId,
      owner: this.#air.options.owner,
      token: this.#token,
      attempt: context.attempt,
      fence: context.fence,
      leaseMs: this.how.leaseMs,
      atMs: this.#sentAtWallMs,
      ...(this.how.fingerprint === undefined ? {} : { fingerprint: this.how.fingerprint }),
    };
  }

  #putReserved(context: DedupKeyContext, expected: number): void {
    const ttlMs = this.how.leaseMs + this.#air.options.skewMs;
    this.#put({ ...this.#fields(context), state: "reserved" }, expected, ttlMs);
  }

  #put(record: DedupRecord, expected: number, ttlMs: number): void {
    this.#questions.ask("write", async () =>
      this.#written(await this.#air.store.put(this.identity.storeKey, record, { expected, ttlMs })),
    );
  }

  #written(put: Put): DedupKeyEvent {
    return put.ok
      ? { type: "write.acked", revision: put.revision, late: this.#lease.isLate }
      : this.#conflicted(put.current);
  }

  #conflicted(current: Entry | undefined): DedupKeyEvent {
    return current === undefined ? { type: "write.conflicted" } : this.#found(current);
  }

  #found(entry: Entry | undefined): DedupKeyEvent {
    if (entry === undefined) return { type: "found.nothing" };
    const { record, revision } = entry;
    if (record.token === this.#token) {
      return record.state === "committed"
        ? { type: "found.own.commit", revision }
        : { type: "found.own.reservation", revision, late: this.#lease.isLate };
    }
    this.#seen = entry;
    if (record.state === "committed") return { type: "found.commit", revision };
    const ended = this.#air.leases.leftMs(entry, this.#nowMs) <= 0;
    return { type: "found.reservation", revision, attempt: record.attempt, ended };
  }

  #troubled(error: unknown, kind: QuestionKind): DedupKeyEvent {
    const unavailable = isStoreUnavailable(error);
    const ambiguous = kind === "write" && (!unavailable || error.ambiguous);
    this.#trouble = error;
    this.#report({ type: "store-unavailable", ambiguous, error });
    return unavailable || this.#phase !== "claiming"
      ? { type: "store.unreachable", ambiguous }
      : { type: "store.broken" };
  }

  #unavailable(context: DedupKeyContext): unknown {
    if (this.#trouble === undefined) {
      return new StoreUnavailableError(
        `The store takes longer to answer than a lease of ${this.how.leaseMs} ms: ${this.identity.key} was not reserved`,
        { ambiguous: true },
      );
    }
    if (!context.inDoubt || !isStoreUnavailable(this.#trouble)) return this.#trouble;
    return new StoreUnavailableError(
      `It is not known whether ${this.identity.key} was reserved: nothing was dispatched`,
      {
        ambiguous: true,
        cause: this.#trouble,
      },
    );
  }

  /** The handler is done with: what follows is between the machine and the store. */
  #give(ending: "succeeded" | "failed"): void {
    this.#phase = ending;
    this.#life.send({ type: ending === "succeeded" ? "handler.succeeded" : "handler.failed" });
  }

  #nextPauseMs(): number {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauses, LONGEST_PAUSE_MS);
    this.#pauses += 1;
    return pauseMs;
  }

  #resolveCommit(commit: CommitOutcome): void {
    this.#committed?.resolve(this.#kept.kept === "not" ? { commit, resultError: this.#kept.error } : { commit });
  }

  #report(detail: StepDetail, context = this.#life.context): void {
    this.#air.report(this.identity, detail, {
      owner: this.#air.options.owner,
      attempt: context.attempt,
      fence: context.fence,
      revision: context.revision,
      durationMs: this.#nowMs - this.#startedAtMs,
    });
  }
}

export function closedError(): LatchkeyError {
  return new LatchkeyError("closed", "The deduplicator is closed: it takes no more events");
}
