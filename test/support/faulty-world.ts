import fc from "fast-check";
import type { Clock } from "../../src/index.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory-store.ts";
import type { FaultBudget } from "../../src/testing/sim/faults.ts";
import type { HandlerUnderTest } from "../../src/testing/sim/handler.ts";
import type { Scenario } from "../../src/testing/sim/scenario.ts";
import type { Schedule } from "../../src/testing/sim/schedule.ts";
import { runsOf } from "../../src/testing/sim/scope.ts";
import { withoutConflictDetails } from "../../src/testing/sim/simulated-store.ts";
import { LEASE_MS, SKEW_MS } from "./latchkey-service.ts";

/** Two in three choices continue the current task. The others pick any possible step; there are never more than 40. */
const choice = fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, { arbitrary: fc.nat(40), weight: 1 });

/** Schedules of up to 66 choices. The first up to 6 cause no fault. */
export const anySchedule: fc.Arbitrary<Schedule> = fc
  .tuple(fc.nat(6), fc.array(choice, { maxLength: 60 }))
  .map(([calm, choices]) => [...Array.from({ length: calm }, () => 0), ...choices]);

/** Every fault under which the guarantees hold. */
export const allFaults: FaultBudget = {
  crash: 2,
  redelivery: 2,
  "lost answer": 2,
  "lost request": 1,
  "late write": 1,
  "stale read": 2,
  refusal: 1,
  outage: 1,
  freeze: 1,
  "clock jump": 2,
  "failing effect": 1,
};

/** Slightly longer than the store keeps a reservation, in milliseconds. */
const CLOCK_JUMP_MS = LEASE_MS + SKEW_MS + 100;

/**
 * Returns a scenario with two replicas, one event that is delivered at least twice, and a budget of faults. Like NATS, the store
 * does not return the record that caused a conflict, unless `explainsConflicts` is set.
 */
export function worldWith(
  handler: HandlerUnderTest,
  faults: FaultBudget,
  { explainsConflicts = false, register = (clock) => memoryStore({ clock }) }: Partial<WorldOptions> = {},
): Scenario {
  return {
    setUp: runsOf(handler, {}),
    replicas: 2,
    events: 1,
    copies: 2,
    concurrency: 3,
    faults,
    ackWaitMs: 3 * LEASE_MS,
    jumpMs: CLOCK_JUMP_MS,
    message: () => ({}),
    maxDeliver: Number.MAX_SAFE_INTEGER,
    clocksAheadMs: [],
    effects: [],
    store: explainsConflicts ? register : (clock) => withoutConflictDetails(register(clock)),
  };
}

interface WorldOptions {
  readonly explainsConflicts: boolean;
  readonly register: (clock: Clock) => MemoryStore;
}
