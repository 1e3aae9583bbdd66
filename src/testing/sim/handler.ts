import type { Answer } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import { expected, oneOf, wholeNumber } from "../../internal/validate.ts";
import type { CommitOutcome } from "../../model/decision.ts";
import type { Store } from "../../model/store.ts";
import type { KnownToEffect } from "../record/recorder.ts";
import type { Kv } from "./kv.ts";

/**
 * Starts a process of the service under test: called once for each process that starts, with what it may use; what it returns
 * handles the deliveries to that process. What it remembers dies with the process.
 */
export type HandlerUnderTest<World = undefined> = (replica: Replica<World>) => HandleDelivery;

/** Handles one delivery. What it throws puts the delivery back; without a reply it is acknowledged. */
// biome-ignore lint/suspicious/noConfusingVoidType: that is what a function is typed to give which does not always return.
export type HandleDelivery = (delivery: Delivery) => Promise<Reply | void>;

/** One process, and all that it may use; spread it into the options of a `Deduplicator`: `{ ...replica, leaseMs: 5_000 }`. */
export interface Replica<World = undefined> {
  /** Its name: `R1`, `R2`, and `R1'` for the one that takes the place of `R1`. */
  readonly owner: string;
  /** The store that all processes share, for Latchkey. */
  readonly store: Store;
  /** The same store, for a deduplicator of one's own. */
  readonly kv: Kv;
  /** Simulated time, instead of `setTimeout` and `Date`. */
  readonly clock: Clock;
  /** Makes ids that are never the same twice, instead of `randomUUID`. */
  readonly newId: () => string;
  /** What stands outside of all processes, as the option `world` made it. */
  readonly world: World;
  /**
   * What the handler does to the world for an event. Takes as long as the schedule likes; it does not begin when the signal has
   * aborted, and throws the signal's reason. What it does, `act`, happens all at once at its end, and may throw.
   * @returns what `act` returned. @throws what `act` threw, or an error when the simulation lets it fail.
   */
  readonly effect: RunEffect;
}

/** {@link Replica.effect} */
export interface RunEffect {
  (event: string, known?: EffectOptions): Promise<void>;
  <Value>(event: string, known: EffectOptions, act: () => Value): Promise<Awaited<Value>>;
}

/** What an effect is known by; a `Reservation` gives `fence` and `signal`. */
export interface EffectOptions extends KnownToEffect {
  /** Tells apart different things that are done for one event: each is to happen once. @default "effect" */
  readonly name?: string;
}

/** One delivery of an event to a process. */
export interface Delivery {
  /** The event's id: `E1`, `E2`, … */
  readonly event: string;
  /** How often the event's message was delivered, this time included. */
  readonly count: number;
}

/** What became of a delivery: the outcome of `guard` is one. */
export type Reply =
  /** To be acknowledged. */
  | { readonly outcome: "dispatched" | "duplicate"; readonly commit?: CommitOutcome }
  /** To be put back, for at least so long; the broker waits longer each time. */
  | { readonly outcome: "pending"; readonly retryAfterMs?: number };

const FIRST_PAUSE_MS = 100;

/** @throws {TypeError} for what is no reply. */
export function answerTo(reply: unknown, { count }: Delivery): Answer {
  if (reply === undefined) return { answer: "acknowledged", because: "returned" };
  if (typeof reply !== "object" || reply === null || !("outcome" in reply)) {
    throw new TypeError(expected("what the handler returned", "nothing, or an object with an `outcome`", reply));
  }
  const outcome = oneOf("outcome", reply.outcome, ["dispatched", "duplicate", "pending"]);
  if (outcome === "pending") {
    const givenMs = "retryAfterMs" in reply ? wholeNumber("retryAfterMs", reply.retryAfterMs, 0) : 0;
    return { answer: "put back", because: "pending", afterMs: Math.max(givenMs, pauseMs(count)) };
  }
  const commit = "commit" in reply ? oneOf("commit", reply.commit, commitOutcomes) : undefined;
  return { answer: "acknowledged", because: outcome, ...(commit === undefined ? {} : { commit }) };
}

const commitOutcomes = ["confirmed", "adopted", "superseded", "unconfirmed"] as const;

/** The answer for a handler that threw. */
export function answerAfter(error: unknown, { count }: Delivery): Answer {
  const code = error instanceof Error && "code" in error ? { code: String(error.code) } : {};
  return { answer: "put back", because: "failed", afterMs: pauseMs(count), error: String(error), ...code };
}

function pauseMs(count: number): number {
  return FIRST_PAUSE_MS * 2 ** (count - 1);
}
