import type { DedupKeyContext, DedupKeyEvent, Settlement } from "../machines/dedup-key.ts";
import type { CheckedStore } from "./checked-store.ts";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { CommitOutcome, CommitReport } from "./decision.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { isStoreUnavailable, LatchkeyError, ReservationLostError, StoreUnavailableError } from "./errors.ts";
import { HeldReservation, type Holder } from "./held-reservation.ts";
import { type KeptResult, keepResult } from "./kept-result.ts";
import type { ResolvedIdentity } from "./key.ts";
import { createLife, type Effects, type Life } from "./life.ts";
import type { ObservedLeases } from "./observed-leases.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./options.ts";
import type { CommitRecord, ReservationRecord } from "./record.ts";
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
const RENEWALS_PER_LEASE = 3;

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
  readonly #startedAtMs: number;
  readonly #verdict = deferred<Verdict>();
  // These are made when somebody asks for them: most deliveries never do.
  #ended: Deferred<void> | undefined;
  #isOver = false;
  #committed: Deferred<CommitReport> | undefined;
  #abort: AbortController | undefined;
  #lost: ReservationLostError | undefined;
  #turn = 0;
  #isAsking = false;
  #idle: Deferred<void> | undefined;
  #phase: "claiming" | "held" | "succeeded" | "failed" = "claiming";
  #unwanted: "abandoned" | "closing" | undefined;
  #kept: KeptResult = { kept: "nothing" };

  #token = "";
  /** When the write that begins the next lease was first sent: the lease counts from then, however often it is repeated. */
  #sentAtMs: number | undefined;
  #sentAtWallMs = 0;
  #leaseFromMs: number | undefined;
  /** Until when an unanswered question is worth repeating. */
  #patientUntilMs = 0;
  #pauses = 0;
  #leaseEnd: Deadline | undefined;
  #renewal: Deadline | undefined;
  #retry: Deadline | undefined;
  #answerBy: Deadline | undefined;
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
    return Math.max(0, this.#leaseEndsAtMs - this.#nowMs);
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
    if (this.#isAsking) {
      this.#idle ??= deferred<void>();
      await Promise.race([this.#idle.promise, this.ended]);
    }
    await turnOfTheEventLoop();
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
      this.#sentAtMs = this.#nowMs;
      this.#sentAtWallMs = this.#wallMs;
      this.#patientUntilMs = this.#nowMs + this.how.leaseMs / 2;
    }
    this.#put(this.#reservation(context), context.expected);
  }

  renewLease(context: DedupKeyContext): void {
    this.#sentAtMs ??= this.#nowMs;
    this.#sentAtWallMs = this.#wallMs;
    this.#put(this.#reservation(context), context.revision);
  }

  putCommit(context: DedupKeyContext): void {
    const result = this.#kept.kept === "result" ? { result: this.#kept.result } : {};
    const record: CommitRecord = { ...this.#fields(context), state: "committed", ...result };
    this.#ask(async () =>
      this.#written(
        await this.#air.store.put(this.identity.storeKey, record, {
          expected: context.revision,
          ttlMs: this.how.windowMs,
        }),
      ),
    );
  }

  removeReservation(context: DedupKeyContext): void {
    this.#ask(async () => {
      const removal = await this.#air.store.remove(this.identity.storeKey, { expected: context.revision });
      if (removal === undefined) return { type: "unremovable" };
      return removal.ok ? { type: "removed" } : this.#conflicted(removal.current);
    });
  }

  readRecord(): void {
    this.#ask(async () => this.#found(await this.#air.store.get(this.identity.storeKey)));
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

  /** The lease that was just written begins with the moment it was first sent. */
  armDeadline(context: DedupKeyContext): void {
    const isRenewal = this.#leaseFromMs !== undefined;
    this.#leaseFromMs = this.#sentAtMs ?? this.#nowMs;
    this.#sentAtMs = undefined;
    this.#trouble = undefined;
    this.#pauses = 0;
    this.#disarm();
    if (this.#air.options.renew) this.#armRenewal(this.#leaseFromMs + this.how.leaseMs / RENEWALS_PER_LEASE);
    else this.#armLeaseEnd();
    if (isRenewal) this.#report({ type: "renewed", leaseMs: this.how.leaseMs }, context);
  }

  armRenewalRetry(): void {
    this.#armRenewal(this.#nowMs + this.#nextPauseMs());
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
    const isUnanswered = this.#trouble !== undefined || this.#sentAtMs !== undefined;
    const outOfReach = reason === "lease-ended" && isUnanswered;
    const why = outOfReach ? "store-unavailable" : reason;
    this.#disarm();
    this.#air.yieldKey(this);
    this.#lost = new ReservationLostError(this.identity.key, why, outOfReach ? { cause: this.#trouble } : undefined);
    this.#report({ type: "expired", reason: why }, context);
    this.#abort?.abort(this.#lost);
  }

  settle(context: DedupKeyContext, as: Settlement): void {
    this.#turn += 1;
    this.#answerBy?.cancel();
    this.#disarm();
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

  get #leaseEndsAtMs(): number {
    return (this.#leaseFromMs ?? this.#nowMs) + this.how.leaseMs;
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

  #reservation(context: DedupKeyContext): ReservationRecord {
    return { ...this.#fields(context), state: "reserved" };
  }

  #put(record: ReservationRecord, expected: number): void {
    const ttlMs = this.how.leaseMs + this.#air.options.skewMs;
    this.#ask(async () =>
      this.#written(await this.#air.store.put(this.identity.storeKey, record, { expected, ttlMs })),
    );
  }

  /**
   * Asks the store. An answer is told once, unless another question was asked meanwhile; one that takes longer than a lease is
   * not waited for. Leases that have ended are told before any answer: nothing is begun on a lease that is over.
   */
  #ask(question: () => Promise<DedupKeyEvent>): void {
    const turn = ++this.#turn;
    this.#isAsking = true;
    this.#answerBy?.cancel();
    const isAwaited = (): boolean => turn === this.#turn;
    const tell = (event: DedupKeyEvent): void => {
      this.#answerBy?.cancel();
      this.#air.deadlines.runDue();
      if (!isAwaited()) return;
      const next = ++this.#turn;
      this.#isAsking = false;
      this.#life.send(event);
      if (next === this.#turn) this.#idle?.resolve();
    };
    this.#answerBy = this.#air.deadlines.add(this.#nowMs + this.how.leaseMs, () => {
      const message = `The store did not answer within ${this.how.leaseMs} ms`;
      if (isAwaited()) tell(this.#troubled(new StoreUnavailableError(message, { ambiguous: true })));
    });
    void question().then(
      (event) => {
        if (isAwaited()) tell(event);
      },
      (error: unknown) => {
        if (isAwaited()) tell(this.#troubled(error));
      },
    );
  }

  #written(put: Put): DedupKeyEvent {
    return put.ok
      ? { type: "write.acked", revision: put.revision, late: this.#isLate() }
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
        : { type: "found.own.reservation", revision, late: this.#isLate() };
    }
    this.#seen = entry;
    if (record.state === "committed") return { type: "found.commit", revision };
    const ended = this.#air.leases.leftMs(entry, this.#nowMs) <= 0;
    return { type: "found.reservation", revision, attempt: record.attempt, ended };
  }

  #isLate(): boolean {
    return this.#sentAtMs !== undefined && this.#nowMs >= this.#sentAtMs + this.how.leaseMs;
  }

  #troubled(error: unknown): DedupKeyEvent {
    const unavailable = isStoreUnavailable(error);
    const ambiguous = unavailable ? error.ambiguous : true;
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

  #armRenewal(atMs: number): void {
    this.#renewal?.cancel();
    this.#renewal = this.#air.deadlines.add(atMs, () => {
      if (this.#leaseEnd === undefined) this.#armLeaseEnd();
      if (this.#nowMs < this.#leaseEndsAtMs) this.#life.send({ type: "renewal.due" });
    });
  }

  #armLeaseEnd(): void {
    this.#leaseEnd = this.#air.deadlines.add(this.#leaseEndsAtMs, () => this.#life.send({ type: "lease.ended" }));
  }

  #disarm(): void {
    this.#leaseEnd?.cancel();
    this.#renewal?.cancel();
    this.#retry?.cancel();
    this.#leaseEnd = undefined;
    this.#renewal = undefined;
    this.#retry = undefined;
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

function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function closedError(): LatchkeyError {
  return new LatchkeyError("closed", "The deduplicator is closed: it takes no more events");
}
