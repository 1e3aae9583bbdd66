import { setTimeout as pause } from "node:timers/promises";
import { type Deduplicator, type Outcome, StoreUnavailableError } from "latchkey";

/** Every how many events one fails first, is slow, or comes twice. */
const FAILS_FIRST = 10;
const IS_SLOW = 50;
const COMES_TWICE = 5;
const TICK_MS = 20;

export interface LoadOptions {
  readonly eventsPerSecond: number;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
}

/** Number of events of each kind. */
export type LoadCounts = Record<"dispatched" | "released" | "renewed" | "duplicates" | "refused", number>;

/** Guards new events at a steady rate. Some fail first and are released, some outlast a lease, some come twice. */
export async function steadyLoad(
  dedup: Deduplicator,
  { eventsPerSecond, leaseMs, signal }: LoadOptions,
): Promise<LoadCounts> {
  const counts: LoadCounts = { dispatched: 0, released: 0, renewed: 0, duplicates: 0, refused: 0 };
  const unsubscribe = dedup.subscribe(({ type }) => {
    if (type === "renewed") counts.renewed += 1;
    if (type === "released") counts.released += 1;
  });
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let next = 0;
  while (!signal.aborted) {
    const due = ((performance.now() - startedAt) / 1_000) * eventsPerSecond;
    for (; next < due; next += 1) {
      const event = deliverEvent(dedup, next, leaseMs, counts).finally(() => {
        running.delete(event);
      });
      running.add(event);
    }
    await pause(TICK_MS);
  }
  await Promise.all(running);
  unsubscribe();
  return counts;
}

async function deliverEvent(dedup: Deduplicator, index: number, leaseMs: number, counts: LoadCounts): Promise<void> {
  let attempts = 0;
  const event = { subscriptionId: "steady", eventId: `event-${index}` };
  /** Repeats the delivery until the event is known to be dispatched, like a broker. */
  const deliver = async (): Promise<Outcome<void>> => {
    for (;;) {
      try {
        const outcome = await dedup.guard(event, async () => {
          attempts += 1;
          if (index % FAILS_FIRST === 0 && attempts === 1) throw new FirstAttempt();
          if (index % IS_SLOW === 1) await pause(leaseMs * 1.5);
          counts.dispatched += 1;
        });
        if (outcome.outcome !== "pending") return outcome;
        await pause(outcome.retryAfterMs);
      } catch (error) {
        // The store may be too slow on an overloaded machine.
        if (error instanceof StoreUnavailableError) counts.refused += 1;
        else if (!(error instanceof FirstAttempt)) throw error;
      }
    }
  };
  await deliver();
  if (index % COMES_TWICE !== 0) return;
  const { outcome } = await deliver();
  if (outcome === "duplicate") counts.duplicates += 1;
}

class FirstAttempt extends Error {}
