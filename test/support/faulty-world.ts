import fc from "fast-check";
import type { Clock } from "../../src/index.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory-store.ts";
import type { FaultBudget } from "../../src/testing/sim/faults.ts";
import type { HandlerUnderTest } from "../../src/testing/sim/handler.ts";
import type { Schedule } from "../../src/testing/sim/schedule.ts";
import { runsOf } from "../../src/testing/sim/scope.ts";
import type { Scenario } from "../../src/testing/sim/simulate.ts";
import { withoutConflictDetails } from "../../src/testing/sim/simulated-store.ts";
import { LEASE_MS, SKEW_MS } from "./latchkey-service.ts";

/** Most choices go on with the task at work; the others pick among all that can happen, of which there are never more than 40. */
const choice = fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, { arbitrary: fc.nat(40), weight: 1 });

/** Any run of up to 66 choices; it begins calmly, or not. */
export const anySchedule: fc.Arbitrary<Schedule> = fc
  .tuple(fc.nat(6), fc.array(choice, { maxLength: 60 }))
  .map(([calm, choices]) => [...Array.from({ length: calm }, () => 0), ...choices]);

/** Everything that the guarantees hold under; what they do not hold under is named where it is left out. */
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

/** A little longer than a reservation stands in the store. */
const LONG_MS = LEASE_MS + SKEW_MS + 100;

/**
 * Two replicas, one event that is delivered twice at least, and what goes wrong. The register says nothing of what stood in the
 * way of a write, as NATS does, unless `isOutspoken`: then it is as the memory store is.
 */
export function worldWith(
  handler: HandlerUnderTest,
  faults: FaultBudget,
  { isOutspoken = false, register = (clock) => memoryStore({ clock }) }: Partial<WorldOptions> = {},
): Scenario {
  return {
    setUp: runsOf(handler, {}),
    replicas: 2,
    events: 1,
    copies: 2,
    concurrency: 3,
    faults,
    ackWaitMs: 3 * LEASE_MS,
    jumpMs: LONG_MS,
    store: isOutspoken ? register : (clock) => withoutConflictDetails(register(clock)),
  };
}

interface WorldOptions {
  readonly isOutspoken: boolean;
  readonly register: (clock: Clock) => MemoryStore;
}
