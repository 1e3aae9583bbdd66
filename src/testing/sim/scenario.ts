import type { History } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import type { FaultBudget } from "./faults.ts";
import type { HandlerSetup, MessageContent } from "./handler.ts";

/** Sets up one run: makes its world, and returns how to start its processes. */
export type SetUpRun = () => {
  /** Starts a process. */
  readonly start: HandlerSetup;
  /** Rejects when the user's condition does not hold after the run. */
  readonly holds: (history: History) => Promise<void>;
  /** Throws when the user's invariant does not hold after a step. */
  readonly check: (history: History) => void;
};

/** The settings of a simulation. */
export interface Scenario {
  readonly setUp: SetUpRun;
  readonly replicas: number;
  readonly events: number;
  /** Number of messages for each event. */
  readonly copies: number;
  /** Number of deliveries that a process handles at a time. */
  readonly concurrency: number;
  readonly faults: FaultBudget;
  /** Time without an answer after which a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** Length of a clock jump and of an outage, in milliseconds. A clock jump may also have half that length. */
  readonly jumpMs: number;
  /** Returns the content of one message of an event. */
  readonly message: (event: string, copy: number) => MessageContent;
  /** Number of deliveries after which a message becomes a dead letter. */
  readonly maxDeliver: number;
  /** Lead of the wall clocks of `R1`, `R2`, …, in milliseconds. */
  readonly clocksAheadMs: readonly number[];
  /** Names of the effects that every acknowledged event must have had. */
  readonly effects: readonly string[];
  /** Makes the store that the processes of a run share. */
  readonly store: (clock: Clock) => Store;
}
