import { setTimeout as pause } from "node:timers/promises";
import type { Deduplicator, Outcome } from "latchkey";

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
export type Tally = Record<"dispatched" | "released" | "renewed" | "duplicates", number>;

/** New events at a steady rate; some fail at first and are released, some run for longer than a lease, some come twice. */
export async function steadyLoad(
  dedup: Deduplicator,
  { eventsPerSecond, leaseMs, signal }: LoadOptions,
): Promise<Tally> {
  const tally: Tally = { dispatched: 0, released: 0, renewed: 0, duplicates: 0 };
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
  const deliver = (): Promise<Outcome<void>> =>
    dedup.guard({ subscriptionId: "steady", eventId: `event-${index}` }, async () => {
      attempts += 1;
      if (index % FAILS_FIRST === 0 && attempts === 1) throw new FirstAttempt();
      if (index % IS_SLOW === 1) await pause(leaseMs * 1.5);
      tally.dispatched += 1;
    });
  await deliver().catch((error: unknown) => {
    if (error instanceof FirstAttempt) return deliver();
    throw error;
  });
  if (index % COMES_TWICE !== 0) return;
  const { outcome } = await deliver();
  if (outcome === "duplicate") tally.duplicates += 1;
}

class FirstAttempt extends Error {}
