import type { Answer } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import { expected, oneOf, wholeNumber } from "../../internal/validate.ts";
import type { CommitOutcome } from "../../model/decision.ts";
import type { Store } from "../../model/store.ts";
import type { RecordedReservation } from "../record/history-recorder.ts";
import type { Kv } from "./kv.ts";

/**
 * Starts a process of the service under test, and returns the function that handles its deliveries. The simulation calls it once
 * for each process. The process's memory is lost when the process dies. If the setup is
 * asynchronous, it runs in real time while the simulation waits. See {@link HandlerSetup}.
 */
export type HandlerUnderTest<World = undefined> = (replica: Replica<World>) => HandleDelivery;

/** A {@link HandlerUnderTest} whose setup may be asynchronous. */
export type HandlerSetup<World = undefined> = (replica: Replica<World>) => HandleDelivery | PromiseLike<HandleDelivery>;

/** Handles one delivery. An error naks the delivery. A delivery without a reply is acknowledged. */
// biome-ignore lint/suspicious/noConfusingVoidType: TypeScript infers void for functions that do not always return a value.
export type HandleDelivery = (delivery: Delivery) => Promise<Reply | void>;

/** The resources of one process. Spread them into the options of a `Deduplicator`: `{ ...replica, leaseMs: 5_000 }`. */
export interface Replica<World = undefined> {
  /** Name of the process: `R1`, `R2`, and `R1'` for the process that replaces `R1`. */
  readonly owner: string;
  /** Store that all processes share, for Latchkey. */
  readonly store: Store;
  /** The shared store as a key-value interface, for a handler with its own deduplicator. */
  readonly kv: Kv;
  /** Simulated time. Use it instead of `setTimeout` and `Date`. */
  readonly clock: Clock;
  /** Returns a new id. Use it instead of `randomUUID`. */
  readonly newId: () => string;
  /** The world outside of all processes, as the option `world` made it. */
  readonly world: World;
  /**
   * Runs an effect of the handler in the outside world. It takes as long as the schedule says. `act` runs at once at its end. If
   * the signal has already fired, the effect does not begin.
   * @returns the result of `act`.
   * @throws the error of `act`, the signal's reason, or the error of a simulated failure.
   */
  readonly effect: RunEffect;
  /**
   * Runs an effect in a simulated transaction together with its marker, like `effectOnce` of `latchkey/postgres`: once for each
   * idempotency key and name. If the key has a marker, returns the kept value instead.
   * @throws {LatchkeyError} `fenced` if a marker of the key has a higher fence.
   */
  readonly effectOnce: RunEffectOnce;
  /**
   * Runs real asynchronous work that has the same result each time, such as WebCrypto. The simulation waits until it has
   * settled. Do not await anything simulated in it.
   */
  readonly host: <Value>(work: () => Value | PromiseLike<Value>) => Promise<Value>;
}

/** {@link Replica.effectOnce} */
export type RunEffectOnce = (
  event: string,
  reservation: RecordedReservation & { readonly idempotencyKey: string },
  act: () => unknown,
  options?: { readonly name?: string },
) => Promise<unknown>;

/** {@link Replica.effect} */
export interface RunEffect {
  (event: string, options?: EffectOptions): Promise<void>;
  <Value>(event: string, options: EffectOptions, act: () => Value): Promise<Awaited<Value>>;
}

/** The name of an effect, and its reservation. A `Reservation` has `fence` and `signal`. */
export interface EffectOptions extends RecordedReservation {
  /** Distinguishes the effects of one event. Each must happen once. @default "effect" */
  readonly name?: string;
}

/** One delivery of an event to a process. */
export interface Delivery {
  /** Id of the event: `E1`, `E2`, … */
  readonly event: string;
  /** Number of deliveries of this message, including this one. */
  readonly count: number;
  /** Payload of the message, as the option `message` made it. */
  readonly payload: unknown;
  /** Headers of the message, as the option `message` made it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Content of a message. */
export interface MessageContent {
  /** Payload. @default undefined */
  readonly payload?: unknown;
  /** Headers. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Messages with equal keys are delivered one after another: the next once the one before is acknowledged. @default none */
  readonly orderingKey?: string;
}

/** Result of a delivery. The outcome of `guard` is one. */
export type Reply =
  /** Acknowledges the delivery. */
  | { readonly outcome: "dispatched" | "duplicate"; readonly commit?: CommitOutcome }
  /** Naks the delivery for at least `retryAfterMs`. The broker waits longer each time. */
  | { readonly outcome: "pending"; readonly retryAfterMs?: number };

const FIRST_PAUSE_MS = 100;

/**
 * Returns the broker's answer for a reply.
 * @throws {TypeError} when the value is not a reply.
 */
export function answerTo(reply: unknown, { count }: Pick<Delivery, "count">): Answer {
  if (reply === undefined) return { answer: "acknowledged", because: "returned" };
  if (typeof reply !== "object" || reply === null || !("outcome" in reply)) {
    throw new TypeError(expected("the handler's reply", "undefined or an object with an `outcome`", reply));
  }
  const outcome = oneOf("outcome", reply.outcome, ["dispatched", "duplicate", "pending"]);
  if (outcome === "pending") {
    const givenMs = "retryAfterMs" in reply ? wholeNumber("retryAfterMs", reply.retryAfterMs, 0) : 0;
    return { answer: "nak", because: "pending", afterMs: Math.max(givenMs, pauseMs(count)) };
  }
  const commit = "commit" in reply ? oneOf("commit", reply.commit, commitOutcomes) : undefined;
  return { answer: "acknowledged", because: outcome, ...(commit === undefined ? {} : { commit }) };
}

const commitOutcomes = ["confirmed", "adopted", "superseded", "unconfirmed"] as const;

/** Returns the broker's answer when the handler threw. */
export function answerAfter(error: unknown, { count }: Pick<Delivery, "count">): Answer {
  const code = error instanceof Error && "code" in error ? { code: String(error.code) } : {};
  return { answer: "nak", because: "failed", afterMs: pauseMs(count), error: String(error), ...code };
}

function pauseMs(count: number): number {
  return FIRST_PAUSE_MS * 2 ** (count - 1);
}
