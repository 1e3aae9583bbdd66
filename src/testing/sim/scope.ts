import type { History } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import { callable, objectWith, wholeNumber } from "../../internal/validate.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import { type FaultBudget, type FaultName, unusualFaults } from "./faults.ts";
import type { HandlerSetup, MessageContent, Replica } from "./handler.ts";
import type { Scenario, SetUpRun } from "./scenario.ts";
import { withoutConflictDetails } from "./simulated-store.ts";

/** Size of a simulation, and the faults that may happen. */
export interface Scope extends Faults {
  /** Number of processes at a time, at least 1. @default 2 */
  readonly replicas?: number;
  /** Number of events, at least 1: `E1`, `E2`, … @default 1 */
  readonly events?: number;
  /** Number of messages for each event, at least 1. Each is delivered until it is acknowledged. @default 2 */
  readonly deliveries?: number;
  /** Number of deliveries that a process handles at a time, at least 1. @default 2 */
  readonly concurrency?: number;
  /** Time without an answer after which a message is delivered again, in milliseconds, at least 1. @default 30_000 */
  readonly ackWaitMs?: number;
  /**
   * Length of a clock jump and of an outage, in milliseconds, at least 2. Choose more than the handler's lease plus skew. Clock
   * jumps of half that length happen, too. @default 33_000, a little more than Latchkey's defaults
   */
  readonly jumpMs?: number;
  /** Returns the content of one message of an event; `copy` counts its messages from 1. @default no payload, headers or order */
  readonly message?: (event: string, copy: number) => MessageContent;
  /** Number of failed deliveries after which a message becomes a dead letter, at least 1. @default unlimited */
  readonly maxDeliver?: number;
  /** Lead of the wall clock of each process (`R1`, `R2`, …), in milliseconds. @default [0, 0, …] */
  readonly clocksAheadMs?: readonly number[];
  /** Names of the effects that every acknowledged event must have had, for example one for each subscription. @default any */
  readonly effects?: readonly string[];
}

/**
 * Maximum number of each fault in one run. If no fault is named, each may happen once, except `amnesias` and the permanent faults:
 * `isolations`, `oneWayPartitions` and `slowStores`.
 */
export interface Faults {
  /** A process dies with everything it was doing. Another process replaces it. */
  readonly crashes?: number;
  /** A message is redelivered although it was acknowledged or is in flight. */
  readonly redeliveries?: number;
  /** The store executes a request, and the request times out for the process. */
  readonly lostAnswers?: number;
  /** The store never gets a request, and the request times out for the process. */
  readonly lostRequests?: number;
  /** A write times out for the process, and the store executes it later. */
  readonly lateWrites?: number;
  /** A read returns what the key held before. */
  readonly staleReads?: number;
  /** The store refuses a request at once. */
  readonly refusals?: number;
  /** The store refuses all requests for `jumpMs`. */
  readonly outages?: number;
  /** A process stops while the others continue. Its timers run late when it continues. */
  readonly freezes?: number;
  /** `jumpMs` pass at once, or half of it. */
  readonly clockJumps?: number;
  /** An effect fails, before or after it has happened. */
  readonly failingEffects?: number;
  /** The store loses a write that it acknowledged. No deduplicator survives this, so everything that follows is excused. */
  readonly amnesias?: number;
  /** A process is cut off from the store and the broker for good, and keeps running. At least one other process stays connected. */
  readonly isolations?: number;
  /** A process reaches the store and the broker, and nothing reaches it any more. At least one other process stays connected. */
  readonly oneWayPartitions?: number;
  /** The store takes two seconds for every answer, for good. */
  readonly slowStores?: number;
}

/** The world outside of all processes, which receives the effects. */
export interface WorldOptions<World> {
  /** Makes the world of one run. The handler gets it as `replica.world`. */
  readonly world: () => World;
  /** Throws when the world is wrong after a run, for example with an assertion. */
  readonly holds?: (world: World, history: History) => void | Promise<void>;
  /** Throws when the world is wrong. Called after every step of a run. */
  readonly invariant?: (world: World, history: History) => void;
}

const faultOf: Readonly<Record<keyof Faults, FaultName>> = {
  crashes: "crash",
  redeliveries: "redelivery",
  lostAnswers: "lost answer",
  lostRequests: "lost request",
  lateWrites: "late write",
  staleReads: "stale read",
  refusals: "refusal",
  outages: "outage",
  freezes: "freeze",
  clockJumps: "clock jump",
  failingEffects: "failing effect",
  amnesias: "amnesia",
  isolations: "isolation",
  oneWayPartitions: "one-way partition",
  slowStores: "slow store",
};
const faultNames = Object.keys(faultOf).filter((name): name is keyof Faults => name in faultOf);

/**
 * Returns the settings of a simulation.
 * @throws {TypeError | RangeError} that names the wrong option.
 */
export function scenarioOf<World>(
  handler: HandlerSetup<World>,
  scope: Scope & Partial<WorldOptions<World>>,
  byDefault: "all" | "none",
): Scenario {
  callable("handler", handler);
  objectWith("options", scope);
  const { replicas = 2, events = 1, deliveries = 2, concurrency = 2 } = scope;
  const { ackWaitMs = 30_000, jumpMs = 33_000 } = scope;
  const message = scope.message ?? (() => ({}));
  callable("message", message);
  return {
    setUp: runsOf(handler, scope),
    replicas: wholeNumber("replicas", replicas, 1),
    events: wholeNumber("events", events, 1),
    copies: wholeNumber("deliveries", deliveries, 1),
    concurrency: wholeNumber("concurrency", concurrency, 1),
    ackWaitMs: wholeNumber("ackWaitMs", ackWaitMs, 1),
    jumpMs: wholeNumber("jumpMs", jumpMs, 2),
    faults: faultsIn(scope, byDefault),
    message,
    maxDeliver: wholeNumber("maxDeliver", scope.maxDeliver ?? Number.MAX_SAFE_INTEGER, 1),
    clocksAheadMs: scope.clocksAheadMs ?? [],
    effects: scope.effects ?? [],
    store: (clock: Clock) => withoutConflictDetails(memoryStore({ clock })),
  };
}

function faultsIn(scope: Faults, byDefault: "all" | "none"): FaultBudget {
  const named = faultNames.filter((name) => scope[name] !== undefined);
  const chosen =
    named.length === 0 && byDefault === "all" ? faultNames.filter((name) => !unusualFaults.has(faultOf[name])) : named;
  return Object.fromEntries(chosen.map((name) => [faultOf[name], wholeNumber(name, scope[name] ?? 1, 0)]));
}

/** Returns the function that sets up each run of a handler, with a new world if there is one. */
export function runsOf<World>(handler: HandlerSetup<World>, world: Partial<WorldOptions<World>>): SetUpRun;
export function runsOf(
  handler: HandlerSetup<unknown>,
  { world, holds, invariant }: Partial<WorldOptions<unknown>>,
): SetUpRun {
  if (world !== undefined) callable("world", world);
  if (holds !== undefined) callable("holds", holds);
  if (invariant !== undefined) callable("invariant", invariant);
  return () => {
    const made = world?.();
    return {
      start: (replica: Replica) => handler({ ...replica, world: made }),
      holds: async (history) => holds?.(made, history),
      check: (history) => invariant?.(made, history),
    };
  };
}
