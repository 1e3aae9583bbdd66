import { setTimeout as pause } from "node:timers/promises";
import { type Deduplicator, type Outcome, StoreUnavailableError } from "latchkey";

/** What becomes of every so-manieth event. */
const FAILS_FIRST = 10;
const IS_SLOW = 50;
const COMES_TWICE = 5;
const TICK_MS = 20;

export interface LoadOptions {
  readonly eventsPerSecond: number;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
}

/** How often things happened. */
export type Tally = Record<"dispatched" | "released" | "renewed" | "duplicates" | "refused", number>;

/** New events at a steady rate; some fail at first and are released, some run for longer than a lease, some come twice. */
export async function steadyLoad(
  dedup: Deduplicator,
  { eventsPerSecond, leaseMs, signal }: LoadOptions,
): Promise<Tally> {
  const tally: Tally = { dispatched: 0, released: 0, renewed: 0, duplicates: 0, refused: 0 };
  const unsubscribe = dedup.subscribe(({ type }) => {
    if (type === "renewed") tally.renewed += 1;
    if (type === "released") tally.released += 1;
  });
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  let next = 0;
  while (!signal.aborted) {
    const due = ((performance.now() - startedAt) / 1_000) * eventsPerSecond;
    for (; next < due; next += 1) {
      const life = lifeOf(dedup, next, leaseMs, tally).finally(() => {
        running.delete(life);
      });
      running.add(life);
    }
    await pause(TICK_MS);
  }
  await Promise.all(running);
  unsubscribe();
  return tally;
}

async function lifeOf(dedup: Deduplicator, index: number, leaseMs: number, tally: Tally): Promise<void> {
  let attempts = 0;
  const event = { subscriptionId: "steady", eventId: `event-${index}` };
  /** Comes again until it is known to be done, as from a broker. */
  const deliver = async (): Promise<Outcome<void>> => {
    for (;;) {
      try {
        const outcome = await dedup.guard(event, async () => {
          attempts += 1;
          if (index % FAILS_FIRST === 0 && attempts === 1) throw new FirstAttempt();
          if (index % IS_SLOW === 1) await pause(leaseMs * 1.5);
          tally.dispatched += 1;
        });
        if (outcome.outcome !== "pending") return outcome;
        await pause(outcome.retryAfterMs);
      } catch (error) {
        // The store may be late where a machine has more to do than it can.
        if (error instanceof StoreUnavailableError) tally.refused += 1;
        else if (!(error instanceof FirstAttempt)) throw error;
      }
    }
  };
  await deliver();
  if (index % COMES_TWICE !== 0) return;
  const { outcome } = await deliver();
  if (outcome === "duplicate") tally.duplicates += 1;
}

class FirstAttempt extends Error {}
