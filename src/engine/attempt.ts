import {
  type DedupKeyContext,
  dedupKey,
  type LossCause,
  type Settlement,
  type updates,
} from "../../machines/dedup-key.ts";
import type { dedupKeyMachine } from "../../machines/index.ts";
import { closedError, LatchkeyError, ReservationLostError, StoreUnavailableError } from "../errors.ts";
import { text } from "../internal/validate.ts";
import type { CommitOutcome, CommitReport } from "../model/decision.ts";
import { describeFailure } from "../model/failure.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import { type ActionMethods, bindActions } from "../statechart/bind-actions.ts";
import { AttemptContext } from "./attempt-context.ts";
import { AttemptPromises } from "./attempt-promises.ts";
import { FRESH_MS, knownCommit } from "./commit-cache.ts";
import type { EngineContext } from "./engine-context.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";
import type { FinishedDispatch } from "./finished-dispatches.ts";
import { KeyClient } from "./key-client.ts";
import { Lease } from "./lease.ts";
import { RecordWriter } from "./record-writer.ts";
import { RetryTimer } from "./retry-timer.ts";

const createActor = bindActions<typeof dedupKeyMachine, keyof typeof updates>(dedupKey);

/** Called when an attempt loses its key, and when it settles. */
export type OnAttemptEnd = (attempt: Attempt, how: "lost" | "settled") => void;

/** Microtasks after which a handler that returned on abort has been noticed. */
const HANDLER_TURNS = 16;

/**
 * One attempt to dispatch one event: executes the machine's actions, and sends the machine what its caller does.
 *
 * The machine awaits one store request at a time. If it sends the next one first, such as a commit during a renewal, the old answer
 * is dropped. A conflict then shows what that request wrote, recognised by its token.
 */
export class Attempt implements ActionMethods<typeof dedupKeyMachine, keyof typeof updates> {
  readonly promises = new AttemptPromises();
  readonly #context: AttemptContext;
  readonly #onEnd: OnAttemptEnd;
  readonly #records: RecordWriter;
  readonly #lease: Lease;
  readonly #retry: RetryTimer;
  readonly #key: KeyClient;
  /** The earlier dispatch of this process that the attempt commits, instead of dispatching again. */
  readonly #finished: FinishedDispatch | undefined;
  /** Epoch of the commit cache before the last read or commit was sent. */
  #epoch: number | undefined;
  #commitSentAtMs: number | undefined;
  #hasReturned = false;
  #result: unknown;
  /** The handler's error, until it is reported. */
  #failure: { readonly error: unknown } | undefined;
  /** Summary of the handler's error, for the store. */
  #failureText: string | undefined;
  /** Why the reservation is to be released as soon as it is granted. */
  #unwanted: "abandoned" | "closing" | undefined;

  constructor(
    engine: EngineContext,
    onEnd: OnAttemptEnd,
    identity: ResolvedIdentity,
    how: ResolvedReserveOptions,
    startedAtMs: number,
    finished: FinishedDispatch | undefined,
  ) {
    const { options, actors, clears } = engine;
    this.#onEnd = onEnd;
    this.#finished = finished;
    this.#epoch = clears.last();
    const mayDispatchUnprotected = options.onStoreUnavailable === "dispatch";
    const input = { mayDispatchUnprotected, attempt: how.attempt };
    const actor = createActor(this, { id: identity.key, input, system: actors });
    this.#context = new AttemptContext(engine, identity, how, actor, startedAtMs);
    // `newId` may throw here; actions must not throw.
    const id = text("the answer of newId", options.newId());
    this.#records = new RecordWriter(identity, how, options.owner, id);
    this.#lease = new Lease(this.#context);
    this.#retry = new RetryTimer(this.#context);
    this.#key = new KeyClient(this.#context, this.#records, this.#lease);
  }

  get identity(): ResolvedIdentity {
    return this.#context.identity;
  }

  get startedAtMs(): number {
    return this.#context.startedAtMs;
  }

  get context(): DedupKeyContext {
    return this.#context.actor.getSnapshot().context;
  }

  get isSettled(): boolean {
    return this.#context.actor.getSnapshot().status !== "active";
  }

  /** True once the key is granted. */
  get hasKey(): boolean {
    return this.#context.phase !== "claiming";
  }

  /** Time until the lease ends without renewal, in milliseconds. */
  get leaseLeftMs(): number {
    return this.#lease.leftMs;
  }

  begin(): void {
    this.#context.actor.start();
  }

  /** Releases the reservation, now or when it is granted: no caller waits for it. */
  abandon(): void {
    this.#unwanted ??= "abandoned";
    void this.release();
  }

  /**
   * Aborts the handler, releases the key, and resolves when that is done. Waits for a commit in flight, and for the commit of a
   * handler that returns as soon as its signal aborts.
   */
  async shutdown(): Promise<void> {
    if (!this.#isDispatching()) {
      this.#unwanted ??= "closing";
      this.promises.rejectClaim(closedError());
      return this.#settled;
    }
    this.#context.actor.send({ type: "shutdown" });
    await Promise.race([this.#key.idle(), this.#settled]);
    for (let turn = 0; turn < HANDLER_TURNS && this.#isDispatching(); turn += 1) await Promise.resolve();
    if (!this.#isDispatching()) await this.#settled;
  }

  mayBegin(): boolean {
    this.#context.engine.timers.runDue();
    return !this.promises.isLost;
  }

  /** @param failure the handler's error, if it failed for good. */
  commit(result: unknown, failure?: { readonly error: unknown }): Promise<CommitReport> {
    if (this.#isDispatching()) this.#context.engine.timers.runDue();
    if (this.#context.phase === "releasing") return Promise.reject(this.#releasedError());
    const { committed } = this.promises;
    if (this.#isDispatching()) {
      if (!this.#hasReturned) this.#result = result;
      this.#hasReturned = true;
      this.#failure ??= failure;
      this.#context.actor.send({ type: "handler.succeeded" });
    }
    return committed;
  }

  /** @param failure the handler's error, if it threw. */
  release(failure?: { readonly error: unknown }): Promise<void> {
    if (this.#isDispatching()) {
      this.#failure ??= failure;
      this.#context.actor.send({ type: "handler.failed" });
    }
    return this.#settled;
  }

  // The machine's actions.

  putReservation(context: DedupKeyContext): void {
    if (!context.inDoubt) {
      const { engine, how, identity } = this.#context;
      const { nowMs } = engine;
      const wallMs = this.#wallMs;
      this.#records.startClaim(wallMs, engine.leases.lapsedFence(identity.storeKey, nowMs, wallMs));
      this.#lease.writeSent("new", nowMs);
      this.#retry.allowUntil(nowMs + how.leaseMs / 2);
    }
    this.#key.putReservation(context, context.expected, this.#context.how.leaseMs);
  }

  readRecord(): void {
    this.#key.read();
  }

  renewLease(context: DedupKeyContext): void {
    this.#records.setTime(this.#wallMs);
    this.#lease.writeSent("repeated", this.#context.engine.nowMs);
    this.#key.putReservation(context, context.revision, this.#lease.renewalTimeoutMs);
  }

  putCommit(context: DedupKeyContext): void {
    if (this.#commitSentAtMs === undefined) this.#prepareCommit(context);
    this.#key.putCommit(context);
  }

  removeReservation(context: DedupKeyContext): void {
    this.#reportFailure(context);
    if (this.#failureText !== undefined) this.#records.setTime(this.#wallMs);
    this.#key.remove(context, this.#failureText);
  }

  armRetry(): void {
    this.#retry.arm();
  }

  armDeadline(context: DedupKeyContext): void {
    this.#key.clearTrouble();
    this.#retry.reset();
    if (this.#lease.begin() === "renewed") {
      this.#context.report({ type: "renewed", leaseMs: this.#context.how.leaseMs }, context);
    }
  }

  armRenewalRetry(): void {
    this.#lease.renewIn(this.#retry.nextPauseMs());
  }

  startHandler(context: DedupKeyContext): void {
    const { engine, how, identity, actor } = this.#context;
    engine.leases.forget(identity.storeKey);
    if (context.unprotected) this.#context.report({ type: "unprotected", error: this.#key.trouble }, context);
    else this.#context.report({ type: "reserved", leaseMs: how.leaseMs }, context);
    if (this.#unwanted === undefined && this.#finished === undefined) {
      this.promises.resolveClaim({ found: "unseen" });
    } else if (this.#unwanted === undefined && this.#mayCommitFinished()) {
      actor.send({ type: "handler.succeeded" });
    } else {
      if (this.#unwanted === "closing") this.promises.rejectClaim(closedError());
      else this.promises.resolveClaim({ found: "pending", entry: undefined });
      actor.send({ type: "handler.failed" });
    }
  }

  abortHandler(context: DedupKeyContext, { reason: cause }: { readonly reason: LossCause }): void {
    if (this.promises.isLost) return;
    const { trouble } = this.#key;
    const isUnreachable = cause === "lease-ended" && (trouble !== undefined || this.#lease.isInDoubt);
    const reason = isUnreachable ? "store-unavailable" : cause;
    this.#lease.stop();
    this.#onEnd(this, "lost");
    const options = isUnreachable ? { cause: trouble } : undefined;
    this.promises.lose(new ReservationLostError(this.identity.key, reason, options));
    this.#context.report({ type: "expired", reason }, context);
    this.promises.abort();
  }

  settle(context: DedupKeyContext, { as }: { readonly as: Settlement }): void {
    this.#key.stop();
    this.#lease.stop();
    this.#retry.stop();
    this.#onEnd(this, "settled");
    this.#settleAs(as, context);
    this.promises.settle();
  }

  #settleAs(as: Settlement, context: DedupKeyContext): void {
    switch (as) {
      case "duplicate":
        this.#resolveDuplicate();
        break;
      case "pending":
        this.promises.resolveClaim({ found: "pending", entry: this.#key.seen });
        break;
      case "unavailable":
        this.promises.rejectClaim(this.#key.claimError(context));
        break;
      case "released":
      case "left-to-expire":
        this.#reportFailure(context);
        this.#context.report({ type: "released", left: as === "released" ? "nothing" : "reservation" }, context);
        this.promises.rejectCommit(() => this.#releasedError());
        break;
      case "confirmed":
      case "adopted":
        this.#noteCommit(context);
        this.#context.report({ type: "committed", commit: as }, context);
        this.#resolveCommit(as);
        break;
      case "superseded":
        this.#context.report({ type: "superseded" }, context);
        this.#resolveCommit(as);
        if (this.#key.seen?.record.state === "committed") this.#resolveDuplicate();
        else this.promises.resolveClaim({ found: "pending", entry: this.#key.seen });
        break;
      case "unconfirmed":
        this.#context.report({ type: "unconfirmed", error: this.#key.trouble }, context);
        this.#resolveCommit(as);
        this.#rememberFinished();
        break;
    }
  }

  #isDispatching(): boolean {
    return this.#context.phase === "dispatching";
  }

  get #settled(): Promise<void> {
    return this.isSettled ? Promise.resolve() : this.promises.settled;
  }

  get #wallMs(): number {
    return this.#context.engine.options.clock.wallMs();
  }

  get #windowEndsAtMs(): number {
    return (this.#commitSentAtMs ?? 0) + this.#context.how.windowMs;
  }

  #prepareCommit(context: DedupKeyContext): void {
    const { engine, how } = this.#context;
    const { nowMs } = engine;
    this.#commitSentAtMs = nowMs;
    const { value, hasFailed } = this.#finished ?? {
      value: this.#result,
      hasFailed: this.#failure !== undefined,
    };
    if (hasFailed) this.#records.markFailed();
    if (this.#finished === undefined && !hasFailed) this.#context.report({ type: "dispatched" }, context);
    this.#reportFailure(context);
    const error = how.keepResult && !hasFailed ? this.#records.storeResult(value) : undefined;
    if (error !== undefined) this.#context.report({ type: "result-not-kept", error }, context);
    this.#records.setTime(this.#wallMs);
    this.#epoch = engine.clears.last();
    this.#retry.reset();
    this.#retry.allowUntil(context.unprotected ? nowMs : nowMs + how.leaseMs);
  }

  #reportFailure(context: DedupKeyContext): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) return;
    this.#failureText = describeFailure(failure.error, this.#context.engine.options.keepErrorMessages);
    this.#context.report({ type: "failed", error: failure.error }, context);
  }

  #resolveDuplicate(): void {
    const { seen } = this.#key;
    const commit = seen && knownCommit(seen, this.startedAtMs + FRESH_MS);
    if (commit === undefined) return;
    const { commits, finished } = this.#context.engine;
    finished.forget(this.identity.storeKey);
    commits.addRead(this.identity, commit, this.#epoch);
    this.promises.resolveClaim({ found: "duplicate", commit });
  }

  #noteCommit(context: DedupKeyContext): void {
    const { engine, identity } = this.#context;
    const commit = this.#records.knownCommit(context, this.#windowEndsAtMs);
    if (this.#records.isCacheable) engine.commits.addOwn(identity, commit, this.#epoch);
    if (this.#finished === undefined) return;
    engine.finished.forget(identity.storeKey);
    this.promises.resolveClaim({ found: "duplicate", commit });
  }

  /** Returns true unless the key was cleared since the dispatch, or may have been. Then the event is to be dispatched again. */
  #mayCommitFinished(): boolean {
    const { engine, identity } = this.#context;
    const cleared = engine.clears.since(this.#finished?.epoch);
    if (cleared === "cleared") engine.finished.forget(identity.storeKey);
    return cleared === "unchanged";
  }

  #rememberFinished(): void {
    const { engine, how, identity } = this.#context;
    if (this.#finished === undefined) {
      const value = how.keepResult ? this.#result : undefined;
      const untilMs = this.#windowEndsAtMs;
      engine.finished.remember(identity.storeKey, {
        how: { ...how, signal: undefined },
        value,
        hasFailed: this.#records.hasFailed,
        epoch: this.#lease.epoch,
        untilMs,
      });
    }
    const message = `It is not known whether ${identity.key} was committed: its dispatch succeeded before`;
    this.promises.rejectClaim(new StoreUnavailableError(message, { ambiguous: true, cause: this.#key.trouble }));
  }

  #resolveCommit(commit: CommitOutcome): void {
    const { resultError } = this.#records;
    this.promises.resolveCommit(resultError === undefined ? { commit } : { commit, resultError });
  }

  #releasedError(): LatchkeyError {
    return new LatchkeyError(
      "reservation-released",
      `The reservation of ${this.identity.key} was released before. Commit or release a reservation once`,
    );
  }
}
