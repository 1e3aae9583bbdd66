import type { JsMsg } from "@nats-io/jetstream";
import type { DeadLetterReason, DeliveryEvent, PutBackAfter } from "../../../machines/delivery.ts";
import { hasCode, LatchkeyError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import type { CommitOutcome, Outcome, Reservation } from "../../model/decision.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../model/identity.ts";
import type { MessageAudit } from "./audit.ts";
import { backoffAfter, type ResolvedConsumeOptions } from "./consume-options.ts";
import { publishDeadLetter, terminationReason } from "./dead-letter.ts";
import { createDeliveryLife, type DeliveryEffects, type DeliveryLife } from "./delivery-life.ts";
import type { FailureCounts } from "./failure-counts.ts";
import { pendingPauseMs } from "./pending-pause.ts";

/** What the deliveries of one consumer share. */
export interface ConsumerContext {
  readonly options: ResolvedConsumeOptions;
  readonly consumer: string;
  readonly subscriptionId: string;
  /** After how many deliveries the server gives up; `Infinity` if never. */
  readonly serverMaxDeliver: number;
  /** Servers before 2.10.4 do not understand a termination that gives a reason. */
  readonly knowsReasons: boolean;
  readonly clock: Clock;
  readonly past: FailureCounts;
  audit(delivery: Delivery, detail: MessageAudit): void;
  /** The message has been answered. */
  settled(delivery: Delivery): void;
  /** The deduplicator is closed: there is nothing more to do here. */
  deduplicatorClosed(error: unknown): void;
}

/** How long a message is held between two tries, when the server would not bring it back. */
const HELD_PAUSE_MS = 1_000;

/** How far the handler came, kept apart from what the deduplicator makes of it. */
type Run =
  | { readonly handler: "not begun" }
  | { readonly handler: "begun" | "returned"; readonly reservation: Reservation };

/** One message on its way through the machine: does what the machine says, and tells it what happened. */
export class Delivery implements DeliveryEffects {
  readonly message: JsMsg;
  readonly receivedAtMs: number;
  readonly #depot: ConsumerContext;
  readonly #life: DeliveryLife;
  readonly #letGo = new AbortController();
  #identity: ResolvedIdentity | undefined;
  #fingerprint: string | undefined;
  #run: Run = { handler: "not begun" };
  /** How long what is pending stays so, at most. */
  #retryAfterMs = 0;
  /** How many dispatches of the message have failed, if this one has. */
  #failures: number | undefined;
  /** What went wrong last. */
  #error: unknown;
  #cancelRetry: () => void = () => {};
  #isSettled = false;

  constructor(depot: ConsumerContext, message: JsMsg) {
    this.#depot = depot;
    this.message = message;
    this.receivedAtMs = depot.clock.monotonicMs();
    this.#life = createDeliveryLife(this, {
      maxDeliver: depot.options.maxDeliver,
      isLast: this.#isLast,
    });
  }

  get identity(): ResolvedIdentity | undefined {
    return this.#identity;
  }

  /** Takes what happened; tells the depot when that was the last of it. */
  send(event: DeliveryEvent): void {
    this.#life.send(event);
    if (this.#isSettled || !this.#life.isOver) return;
    this.#isSettled = true;
    this.#cancelRetry();
    this.#depot.settled(this);
  }

  /** Tells the server that the message is not forgotten. */
  working(): void {
    this.#answer(() => this.message.working());
  }

  // What the machine's actions do.

  identify(): void {
    const { options, subscriptionId } = this.#depot;
    try {
      const found = options.identify(this.message, subscriptionId);
      if ("unidentifiable" in found) {
        this.#error = new Error(`The message has no identity: ${found.unidentifiable}`);
        this.send({ type: "unidentifiable" });
        return;
      }
      this.#identity = resolveIdentity(found);
      this.#fingerprint = options.fingerprint?.(this.message);
    } catch (error) {
      this.#error = error;
      this.send({ type: "unidentifiable" });
      return;
    }
    this.send({ type: "identified" });
  }

  guard(): void {
    void this.#guard();
  }

  abort(): void {
    this.#letGo.abort(new LatchkeyError("closed", "The consumer's time to finish is over"));
  }

  acknowledge(): void {
    this.message.ackAck().then(
      (isConfirmed) => {
        if (!isConfirmed) this.#audit({ type: "trigger.ack.unconfirmed" });
        this.send({ type: isConfirmed ? "ack.confirmed" : "ack.unconfirmed" });
      },
      (error: unknown) => {
        this.#audit({ type: "trigger.ack.unconfirmed", error });
        this.send({ type: "ack.unconfirmed" });
      },
    );
  }

  acknowledgeDuplicate(): void {
    this.#answer(() => this.message.ack());
  }

  publishDeadLetter(reason: DeadLetterReason): void {
    const { consumer, options } = this.#depot;
    if (options.deadLetter === undefined) {
      this.send({ type: "dead.letter.unwanted" });
      return;
    }
    const letter = { reason, consumer, key: this.#identity?.key, error: this.#error };
    publishDeadLetter(options.deadLetter, this.message, letter).then(
      () => this.send({ type: "dead.letter.stored" }),
      (error: unknown) => {
        this.#audit({ type: "trigger.dead-letter.failed", reason, error });
        this.send({ type: "dead.letter.failed" });
      },
    );
  }

  terminate(reason: DeadLetterReason): void {
    const { knowsReasons, options } = this.#depot;
    this.#answer(() => {
      if (knowsReasons) this.message.term(terminationReason(reason, this.#error));
      else this.message.term();
    });
    const where = options.deadLetter === undefined ? {} : { keptAs: options.deadLetter.subject };
    const why = this.#error === undefined ? {} : { error: this.#error };
    this.#audit({ type: "trigger.dead-lettered", reason, ...where, ...why });
  }

  putBack(after: PutBackAfter): void {
    const delayMs = this.#delayMs(after);
    if (this.#run.handler === "not begun") this.#depot.past.notDispatched(this.message.seq);
    this.#answer(() => this.message.nak(delayMs));
    this.#audit({ type: "trigger.put-back", after, delayMs, lost: this.#isLast });
  }

  armRetry(): void {
    this.#cancelRetry = this.#depot.clock.schedule(HELD_PAUSE_MS, () => this.send({ type: "retry.due" }));
  }

  get #deliveries(): number {
    return this.message.info.deliveryCount;
  }

  /** Of the dispatch that has begun. */
  get #reservation(): Reservation {
    if (this.#run.handler === "not begun") throw new TypeError("A dispatch ended that had not begun");
    return this.#run.reservation;
  }

  get #isLast(): boolean {
    return this.#deliveries >= this.#depot.serverMaxDeliver;
  }

  #delayMs(after: PutBackAfter): number {
    switch (after) {
      case "nothing":
        return 0;
      case "pending": {
        const isCounted = this.#depot.serverMaxDeliver !== Number.POSITIVE_INFINITY;
        return pendingPauseMs({ retryAfterMs: this.#retryAfterMs, deliveries: this.#deliveries, isCounted });
      }
      case "backoff":
        return backoffAfter(this.#depot.options.backoff, this.#failures ?? this.#deliveries);
    }
  }

  async #guard(): Promise<void> {
    const identity = this.#identity;
    if (identity === undefined) throw new TypeError("A message was guarded before it was identified");
    this.#run = { handler: "not begun" };
    let outcome: Outcome<unknown>;
    try {
      outcome = await this.#depot.options.dedup.guard(
        identity,
        (reservation) => this.#dispatch(identity, reservation),
        {
          attempt: this.#deliveries,
          signal: this.#letGo.signal,
          ...(this.#fingerprint === undefined ? {} : { fingerprint: this.#fingerprint }),
        },
      );
    } catch (error) {
      this.#guardFailed(error);
      return;
    }
    this.#guarded(outcome);
  }

  async #dispatch(identity: ResolvedIdentity, reservation: Reservation): Promise<unknown> {
    this.#run = { handler: "begun", reservation };
    this.send({ type: "dispatch.began" });
    const signal = AbortSignal.any([reservation.signal, this.#letGo.signal]);
    const value = await this.#depot.options.dispatch(this.message, { identity, reservation, signal });
    this.#run = { handler: "returned", reservation };
    return value;
  }

  #guarded(outcome: Outcome<unknown>): void {
    switch (outcome.outcome) {
      case "dispatched":
        this.#dispatched(outcome.commit, outcome.resultError);
        break;
      case "duplicate":
        this.#audit({ type: "trigger.deduped", committedAt: outcome.committedAt });
        this.send({ type: "duplicate" });
        break;
      case "pending":
        this.#retryAfterMs = outcome.retryAfterMs;
        this.send({ type: "pending" });
        break;
    }
  }

  /**
   * Whose error it is decides: the same one means "try again" when the deduplicator throws it before the dispatch, a failed
   * dispatch when the handler does, and next to nothing after the handler has returned, since the event was dispatched.
   */
  #guardFailed(error: unknown): void {
    switch (this.#run.handler) {
      case "not begun":
        this.#notDispatched(error);
        break;
      case "begun":
        this.#dispatchFailed(error);
        break;
      case "returned":
        // The handler itself gave the key back: it wants the event again.
        if (hasCode(error, "reservation-released")) this.#dispatchFailed(error);
        else this.#dispatched("unconfirmed", error);
        break;
    }
  }

  #dispatched(commit: CommitOutcome, error: unknown): void {
    const { attempt, fence, unprotected } = this.#reservation;
    const trouble = error === undefined ? {} : { error };
    this.#audit({ type: "trigger.dispatched", commit, attempt, fence, unprotected, ...trouble });
    this.send({ type: "dispatched" });
  }

  #dispatchFailed(error: unknown): void {
    this.#error = error;
    const permanent = hasCode(error, "permanent");
    const failures = this.#depot.past.failed(this.message.seq, this.#deliveries);
    this.#failures = failures;
    this.#audit({
      type: "trigger.dispatch.failed",
      attempt: this.#reservation.attempt,
      failures,
      permanent,
      error,
    });
    this.send({ type: "dispatch.failed", permanent, failures });
  }

  #notDispatched(error: unknown): void {
    this.#error = error;
    if (hasCode(error, "fingerprint-mismatch")) {
      this.send({ type: "fingerprint.mismatched" });
      return;
    }
    if (!this.#letGo.signal.aborted) {
      this.#audit({ type: "trigger.refused", error });
      if (hasCode(error, "closed")) this.#depot.deduplicatorClosed(error);
    }
    this.send({ type: "refused" });
  }

  #audit(detail: MessageAudit): void {
    this.#depot.audit(this, detail);
  }

  /** On a closed connection nothing can be said: the server takes silence for an unanswered message, and brings it back. */
  #answer(answer: () => void): void {
    try {
      answer();
    } catch {
      return;
    }
  }
}
