import type { History } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import { callable, objectWith, wholeNumber } from "../../internal/validate.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import type { FaultBudget, FaultName } from "./faults.ts";
import type { HandlerUnderTest, Replica } from "./handler.ts";
import type { Beginning, Scenario } from "./simulate.ts";
import { silent } from "./simulated-store.ts";

/** How large a simulation is, and what may go wrong in it. */
export interface Scope extends Faults {
  /** How many processes there are at a time, at least 1. @default 2 */
  readonly replicas?: number;
  /** How many events there are, at least 1: `E1`, `E2`, … @default 1 */
  readonly events?: number;
  /** How often each event is sent, at least 1: each time is a message that is delivered until it is acknowledged. @default 2 */
  readonly deliveries?: number;
  /** How many deliveries a process works on at a time, at least 1. @default 2 */
  readonly concurrency?: number;
  /** After how long without an answer a message is delivered again, in milliseconds, at least 1. @default 30_000 */
  readonly ackWaitMs?: number;
  /**
   * How far a clock jumps, and how long an outage lasts, in milliseconds, at least 2: to be longer than the handler's lease and the
   * skew. Half of it is tried, too. @default 33_000, a little more than Latchkey's defaults
   */
  readonly jumpMs?: number;
}

/** How often, at most, each of these happens in one run. If none is named, each but `amnesias` may happen once. */
export interface Faults {
  /** A process dies, with all that it had under way; another takes its place. */
  readonly crashes?: number;
  /** A message is delivered once more, although it was acknowledged or is being worked on. */
  readonly redeliveries?: number;
  /** The store does what it is asked, and the process is told that nobody answered. */
  readonly lostAnswers?: number;
  /** The store never hears of it, and the process is told that nobody answered. */
  readonly lostRequests?: number;
  /** The process is told that nobody answered its write; it lands later. */
  readonly lateWrites?: number;
  /** A read is answered with what stood there before. */
  readonly staleReads?: number;
  /** The store says at once that it cannot. */
  readonly refusals?: number;
  /** The store refuses everything for `jumpMs`. */
  readonly outages?: number;
  /** A process stands still while the others go on; when it wakes, its timers are late. */
  readonly freezes?: number;
  /** Time goes on by `jumpMs`, or half of it. */
  readonly clockJumps?: number;
  /** An effect fails, before or after it has happened. */
  readonly failingEffects?: number;
  /** The store forgets a write that it acknowledged: no deduplicator can be right then, and what follows is excused. */
  readonly amnesias?: number;
}

/** What stands outside of all processes: what receives the effects. */
export interface InWorld<World> {
  /** Makes it, anew for each run; the handler finds it as `replica.world`. */
  readonly world: () => World;
  /** Throws, with an assertion's error for instance, when the run left the world as it must not be. */
  readonly holds?: (world: World, history: History) => void | Promise<void>;
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
};
const faultNames = Object.keys(faultOf).filter((name): name is keyof Faults => name in faultOf);

/** @throws {TypeError | RangeError} that names the option that is wrong. */
export function scenarioOf<World>(
  handler: HandlerUnderTest<World>,
  scope: Scope & Partial<InWorld<World>>,
  whenNoneIsNamed: "all" | "none",
): Scenario {
  callable("handler", handler);
  objectWith("options", scope);
  const { replicas = 2, events = 1, deliveries = 2, concurrency = 2 } = scope;
  const { ackWaitMs = 30_000, jumpMs = 33_000 } = scope;
  return {
    begin: beginning(handler, scope),
    replicas: wholeNumber("replicas", replicas, 1),
    events: wholeNumber("events", events, 1),
    copies: wholeNumber("deliveries", deliveries, 1),
    concurrency: wholeNumber("concurrency", concurrency, 1),
    ackWaitMs: wholeNumber("ackWaitMs", ackWaitMs, 1),
    jumpMs: wholeNumber("jumpMs", jumpMs, 2),
    faults: faultsIn(scope, whenNoneIsNamed),
    store: (clock: Clock) => silent(memoryStore({ clock })),
  };
}

function faultsIn(scope: Faults, whenNoneIsNamed: "all" | "none"): FaultBudget {
  const named = faultNames.filter((name) => scope[name] !== undefined);
  const chosen =
    named.length === 0 && whenNoneIsNamed === "all" ? faultNames.filter((name) => name !== "amnesias") : named;
  return Object.fromEntries(chosen.map((name) => [faultOf[name], wholeNumber(name, scope[name] ?? 1, 0)]));
}

/** How a run begins: with a world of its own, which there may be none of. */
export function beginning<World>(handler: HandlerUnderTest<World>, world: Partial<InWorld<World>>): Beginning;
export function beginning(handler: HandlerUnderTest<unknown>, { world, holds }: Partial<InWorld<unknown>>): Beginning {
  if (world !== undefined) callable("world", world);
  if (holds !== undefined) callable("holds", holds);
  return () => {
    const made = world?.();
    return {
      start: (replica: Replica) => handler({ ...replica, world: made }),
      holds: async (history) => holds?.(made, history),
    };
  };
}
