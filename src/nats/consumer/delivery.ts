import type { JsMsg } from "@nats-io/jetstream";
import {
  type DeadLetterReason,
  type DeliveryContext,
  type DeliveryEvent,
  delivery,
  type NakDelay,
  type Retried,
  type TerminatedCopy,
  type updates,
} from "../../../machines/delivery.ts";
import type { deliveryMachine } from "../../../machines/index.ts";
import { hasCode, LatchkeyError } from "../../errors.ts";
import { backoffMs } from "../../internal/backoff.ts";
import { callListener } from "../../internal/call-listener.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { ActorSystem } from "../../statechart/actor-system.ts";
import { bindActions, type MachineActor } from "../../statechart/bind-actions.ts";
import { isForbidden, isTooLarge } from "../wire/error-codes.ts";
import type { MessageAudit } from "./audit.ts";
import type { Auditor } from "./auditor.ts";
import type { Acknowledge } from "./confirmed-ack.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import type { ConsumerFinding } from "./consumer-finding.ts";
import { CurrentDispatch } from "./current-dispatch.ts";
import { publishDeadLetter, terminationReason } from "./dead-letter.ts";
import { DispatchSignal } from "./dispatch-signal.ts";
import type { FailureCounts } from "./failure-counts.ts";
import type { FinishedMessages } from "./finished-messages.ts";
import { type Dispatched, type DispatchResult, type DuplicateDispatch, dispatchGuarded } from "./guarded-dispatch.ts";
import type { LiveSettings } from "./live-settings.ts";
import { identifyMessage, orderingKeyOf, PromiseReturnedError } from "./message-functions.ts";
import { nakDelayMs } from "./nak-delay.ts";
import { headersOf } from "./received-message.ts";
import { eventOfRefusal } from "./refusal.ts";
import { type EarlierAttempts, earlierAttempts, scheduleRetry } from "./scheduled-retry.ts";
import type { ServerTime } from "./server-time.ts";

/** Dependencies that all deliveries of one consumer share. */
export interface SharedByDeliveries {
  readonly options: ResolvedConsumeOptions;
  readonly consumer: string;
  readonly subscriptionId: string;
  readonly settings: Pick<LiveSettings, "maxDeliver" | "freeShare">;
  readonly clock: Clock;
  readonly time: ServerTime;
  readonly system: ActorSystem;
  readonly failureCounts: FailureCounts;
  readonly finishedMessages: FinishedMessages;
  readonly auditor: Auditor;
  readonly acknowledge: Acknowledge;
  /** Aborts reservation requests and dispatches. One for all deliveries, because they are only aborted together. */
  readonly aborting: AbortController;
  /** Called when a delivery no longer needs its slot, although it is not settled. */
  readonly onSlotReleased: (delivery: MessageDelivery) => void;
  readonly onSettled: (delivery: MessageDelivery) => void;
  /** Called when a function of the caller cannot work for any message. */
  readonly onUnusable: (finding: ConsumerFinding) => void;
  readonly onDeduplicatorClosed: (cause: unknown) => void;
}

/** Pause before the server's last delivery is tried again, in milliseconds. */
const HELD_PAUSE_MS = 1_000;

const createActor = bindActions<typeof deliveryMachine, keyof typeof updates>(delivery);

/** One message from its receipt to its answer: does what the machine says, and reports to it what happened. */
export class MessageDelivery {
  /** Number of the delivery in its consumer. A message can have several deliveries at a time. */
  readonly id: number;
  readonly message: JsMsg;
  /** Deliveries with one key are dispatched one at a time. `undefined` without an order, or if the key is not readable. */
  readonly orderingKey: string | undefined;
  readonly #shared: SharedByDeliveries;
  readonly #actor: MachineActor<typeof deliveryMachine>;
  /** What the copies of the message went through whose retries were scheduled. */
  readonly #earlier: EarlierAttempts;
  #identity: ResolvedIdentity | undefined;
  #fingerprint: string | undefined;
  #orderingError: Error | undefined;
  /** The last error, for the dead letter. */
  #error: unknown;
  /** Why the dead letter could not be stored. */
  #letterError: unknown;
  /** Time left of another holder's reservation, in milliseconds. */
  #retryAfterMs = 0;
  #cancelRetry: () => void = () => {};

  constructor(id: number, message: JsMsg, shared: SharedByDeliveries) {
    this.id = id;
    this.message = message;
    this.#shared = shared;
    this.#earlier = earlierAttempts(message);
    this.orderingKey = this.#readOrderingKey();
    const input = { maxDeliver: shared.options.maxDeliver, isLast: this.#isLast };
    this.#actor = createActor(this, { id: "delivery", input, system: shared.system });
    this.#actor.start();
  }

  /** Passes an event to the machine. Events that arrive after its final state are dropped. */
  send(event: DeliveryEvent): void {
    if (this.#isSettled()) return;
    this.#actor.send(event);
    if (!this.#isSettled()) return;
    this.#cancelRetry();
    this.#shared.onSettled(this);
  }

  /** Reports to the machine whether this is the server's last delivery, after the server's limit changed. */
  sendLimit(): void {
    this.send({ type: "limit.changed", isLast: this.#isLast });
  }

  /** Reports to the server that the message is in progress, so that it is not redelivered. */
  sendInProgress(): void {
    this.#answer(() => this.message.working());
  }

  // The machine's actions.

  identify(): void {
    const { finishedMessages, options, subscriptionId } = this.#shared;
    const finish = finishedMessages.find(this.message);
    if (finish !== undefined) {
      this.send({ type: finish === "storing" ? "answered.elsewhere" : "terminated.before" });
      return;
    }
    try {
      if (this.#orderingError !== undefined) throw this.#orderingError;
      const { identity, fingerprint } = identifyMessage(options, this.message, subscriptionId);
      this.#identity = identity;
      this.#fingerprint = fingerprint;
    } catch (error) {
      if (error instanceof PromiseReturnedError) {
        this.#shared.onUnusable(error.finding);
        return;
      }
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
    this.#shared.aborting.abort(new LatchkeyError("closed", "The consumer stopped before the dispatch ended"));
  }

  acknowledge(): void {
    this.#shared.acknowledge(this.message, (answer) => {
      if (answer === "confirmed") {
        this.send({ type: "ack.confirmed" });
        return;
      }
      const error = answer === "not sent" ? {} : { error: answer.error };
      this.#audit({ type: "trigger.ack.unconfirmed", refused: isForbidden(error.error), ...error });
      this.send({ type: "ack.unconfirmed" });
    });
  }

  acknowledgeDuplicate(): void {
    this.#answer(() => this.message.ack());
  }

  stopDispatching(): void {
    this.#shared.finishedMessages.add(this.message, "storing");
    this.#shared.onSlotReleased(this);
  }

  publishDeadLetter(context: DeliveryContext): void {
    const reason = reasonIn(context);
    const { consumer, options } = this.#shared;
    if (options.deadLetter === undefined) {
      this.send({ type: "dead.letter.disabled" });
      return;
    }
    const letter = { reason, consumer, identity: this.#identity, error: this.#error, content: context.letter };
    publishDeadLetter(options.deadLetter, this.message, letter).then(
      () => this.send({ type: "dead.letter.stored" }),
      (error: unknown) => {
        this.#letterError = error;
        this.#audit({ type: "trigger.dead-letter.failed", reason, error });
        this.send({ type: isTooLarge(error) ? "dead.letter.too.large" : "dead.letter.failed" });
      },
    );
  }

  terminate(context: DeliveryContext, { copy }: { readonly copy: TerminatedCopy }): void {
    const reason = reasonIn(context);
    const { deadLetter, telemetry } = this.#shared.options;
    const error = this.#error === undefined ? {} : { error: this.#error };
    this.#shared.finishedMessages.add(this.message, "terminated");
    telemetry?.deadLettered(reason);
    this.#answer(() => this.message.term(terminationReason(reason, this.#error)));
    if (copy === "lost") {
      this.#audit({ type: "trigger.dead-letter.lost", reason, letterError: this.#letterError, ...error });
    } else if (copy === "disabled" || deadLetter === undefined) {
      this.#audit({ type: "trigger.dead-lettered", reason, copy: "none", ...error });
    } else {
      const { subject: deadLetterSubject } = deadLetter;
      this.#audit({ type: "trigger.dead-lettered", reason, copy: context.letter, deadLetterSubject, ...error });
    }
  }

  terminateAgain(): void {
    this.#answer(() => this.message.term("the message was terminated at an earlier delivery"));
    this.#audit({ type: "trigger.termination.lost" });
  }

  nak({ wasDispatched }: DeliveryContext, { delay }: { readonly delay: NakDelay }): void {
    if (!wasDispatched) this.#shared.failureCounts.notDispatched(this.message.seq);
    const delayMs = this.#delayMs(delay, wasDispatched);
    this.#answer(() => this.message.nak(delayMs));
    this.#audit({ type: "trigger.nakked", delay, delayMs, lost: this.#isLast });
  }

  scheduleRetry(): void {
    const { time, options } = this.#shared;
    const { scheduledRetries } = options;
    if (scheduledRetries === undefined) throw new TypeError("A retry was scheduled without a subject for it");
    const delayMs = this.#backoffMs();
    const attempts = { failures: this.#failures(), deliveries: this.#attempt };
    scheduleRetry(scheduledRetries, this.message, time.nowMs() + delayMs, attempts).then(
      () => {
        this.#audit({ type: "trigger.retry.scheduled", delayMs });
        this.send({ type: "retry.scheduled" });
      },
      (error: unknown) => {
        this.#audit({ type: "trigger.schedule.failed", error });
        this.send({ type: "schedule.failed" });
      },
    );
  }

  armRetry({ letterFailures }: DeliveryContext, { of }: { readonly of: Retried }): void {
    const { clock, options } = this.#shared;
    const pauseMs = of === "guard" ? HELD_PAUSE_MS : backoffMs(letterFailures, options.backoffMs);
    this.#cancelRetry = clock.schedule(pauseMs, () => this.send({ type: "retry.due" }));
  }

  #readOrderingKey(): string | undefined {
    const { orderBy } = this.#shared.options;
    if (orderBy === undefined) return undefined;
    try {
      return orderingKeyOf(orderBy, this.message);
    } catch (cause) {
      const isOfMessage = !(cause instanceof PromiseReturnedError);
      this.#orderingError = isOfMessage ? new Error("The message has no ordering key", { cause }) : cause;
      return undefined;
    }
  }

  #isSettled(): boolean {
    return this.#actor.getSnapshot().status !== "active";
  }

  get #deliveries(): number {
    return this.message.info.deliveryCount;
  }

  /** Number of this delivery among those of the message and its earlier copies. */
  get #attempt(): number {
    return this.#earlier.deliveries + this.#deliveries;
  }

  /** Failed dispatches of the message and its earlier copies. */
  #failures(): number {
    const { failures } = this.#shared.failureCounts.of(this.message.seq, this.#deliveries);
    return this.#earlier.failures + failures;
  }

  /** Pause after a failed dispatch, in milliseconds, however full the consumer's `max_ack_pending` is. */
  #backoffMs(): number {
    return backoffMs(this.#failures(), this.#shared.options.backoffMs);
  }

  /** Returns true if the stream keeps the retry until the pause is over. */
  #isDistant(): boolean {
    const { scheduledRetries } = this.#shared.options;
    return scheduledRetries !== undefined && this.#backoffMs() >= scheduledRetries.afterMs;
  }

  get #isLast(): boolean {
    return this.#deliveries >= this.#shared.settings.maxDeliver;
  }

  #delayMs(delay: NakDelay, wasDispatched: boolean): number {
    const { options, settings } = this.#shared;
    const deliveries = this.#deliveries;
    return nakDelayMs(delay, {
      deliveries,
      failures: wasDispatched ? this.#failures() : deliveries,
      retryAfterMs: this.#retryAfterMs,
      isLimited: settings.maxDeliver !== Number.POSITIVE_INFINITY,
      freeShare: settings.freeShare,
      backoff: options.backoffMs,
    });
  }

  async #guard(): Promise<void> {
    const identity = this.#identity;
    if (identity === undefined) throw new TypeError("A message was guarded before it was identified");
    const { dedup, dispatch } = this.#shared.options;
    const { signal: aborting } = this.#shared.aborting;
    const handler = async (reservation: Reservation): Promise<unknown> => {
      this.send({ type: "dispatch.began" });
      const dispatching = new DispatchSignal(() => [reservation.signal, aborting]);
      const context = new CurrentDispatch(identity, reservation, dispatching);
      try {
        return await dispatch(this.message, context);
      } finally {
        dispatching.end();
      }
    };
    const guard = () =>
      dispatchGuarded(dedup, identity, handler, {
        attempt: this.#attempt,
        signal: aborting,
        ...(this.#fingerprint === undefined ? {} : { fingerprint: this.#fingerprint }),
      });
    this.#report(await this.#traced(guard), identity);
  }

  #traced(guard: () => Promise<DispatchResult>): Promise<DispatchResult> {
    const { consumer, options } = this.#shared;
    if (options.telemetry === undefined) return guard();
    const found = headersOf(this.message);
    const headers = found === "unreadable" ? undefined : found;
    const { stream } = this.message.info;
    const delivery = { kind: "message", stream, consumer, deliveries: this.#deliveries, headers } as const;
    return options.telemetry.trace(delivery, guard, ({ result }) => ({
      outcome: result,
      failed: result === "failed" || result === "refused",
    }));
  }

  #report(of: DispatchResult, identity: ResolvedIdentity): void {
    switch (of.result) {
      case "dispatched":
        this.#reportDispatch(of);
        break;
      case "failed":
        this.#reportFailure(of.error, of.reservation.attempt);
        break;
      case "duplicate":
        this.#reportDuplicate(of, identity);
        break;
      case "pending":
        this.#retryAfterMs = of.retryAfterMs;
        this.send({ type: "pending" });
        break;
      case "refused":
        this.#reportRefusal(of.error, identity);
        break;
    }
  }

  #reportDispatch({ reservation, commit, error }: Dispatched): void {
    const { attempt, fence, unprotected } = reservation;
    const why = error === undefined ? {} : { error };
    this.#audit({ type: "trigger.dispatched", commit, attempt, fence, unprotected, ...why });
    this.send({ type: "dispatched" });
  }

  #reportDuplicate(duplicate: DuplicateDispatch, identity: ResolvedIdentity): void {
    const { committedAt, windowEndsAtMs, value } = duplicate;
    this.#audit({ type: "trigger.deduped", committedAt });
    const { onDuplicate } = this.#shared.options;
    callListener(onDuplicate, { message: this.message, identity, committedAt, windowEndsAtMs, value });
    this.send({ type: "duplicate" });
  }

  #reportFailure(error: unknown, attempt: number): void {
    this.#error = error;
    const { failureCounts } = this.#shared;
    failureCounts.dispatchFailed(this.message.seq);
    const { unseen } = failureCounts.of(this.message.seq, this.#deliveries);
    const failures = this.#failures();
    const permanent = hasCode(error, "permanent");
    this.#audit({ type: "trigger.dispatch.failed", attempt, failures, unseen, permanent, error });
    this.send({ type: "dispatch.failed", permanent, failures, distant: this.#isDistant() });
  }

  #reportRefusal(error: unknown, identity: ResolvedIdentity): void {
    this.#error = error;
    const event = eventOfRefusal(error, identity);
    if (event.type === "refused" && !this.#shared.aborting.signal.aborted) {
      this.#audit({ type: "trigger.refused", error });
      if (hasCode(error, "closed")) this.#shared.onDeduplicatorClosed(error);
    }
    this.send(event);
  }

  #audit(detail: MessageAudit): void {
    this.#shared.auditor.message(this.message, this.#identity, detail);
  }

  /** Ignores a closed connection: without an answer, the server redelivers the message. */
  #answer(answer: () => void): void {
    try {
      answer();
    } catch {
      return;
    }
  }
}

function reasonIn({ deadLetterReason }: DeliveryContext): DeadLetterReason {
  if (deadLetterReason === undefined) throw new TypeError("A message became a dead letter without a reason");
  return deadLetterReason;
}
