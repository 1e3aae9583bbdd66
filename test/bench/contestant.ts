import type { Deduplicator } from "latchkey";
import { latencies, quantile, type Rate, throughput } from "./measure.ts";

/** Guarantees of a contestant at its speed. */
export interface Guarantees {
  /** Place where an event is stored when it is acknowledged. */
  readonly storage: string;
  /** `yes` if an earlier holder of the key can no longer write to it. */
  readonly fence: "yes" | "no";
  /** Lease that ends the reservation of a handler that hangs or crashes. */
  readonly lease: "renewed, with a signal" | "fixed" | "none";
}

export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** A way to mark events as begun and as done, so that no other process marks the same events. */
export interface Contestant {
  readonly name: string;
  readonly guarantees: Guarantees;
  /** Runs a round with new events, many at a time. */
  rate(round: string): Promise<Rate>;
  /** Runs a round with one event at a time. */
  latency?(round: string): Promise<Latency>;
}

export const CONCURRENCY = 512;
const LATENCY_EVENTS = 300;

export interface OneByOne {
  readonly name: string;
  readonly guarantees: Guarantees;
  /** Number of events in a round. */
  readonly events: number;
  once(id: string, index: number): Promise<unknown>;
}

/** A contestant whose latency can be measured too. */
export type OneByOneContestant = Required<Contestant>;

export function oneByOne({ name, guarantees, events, once }: OneByOne): OneByOneContestant {
  return {
    name,
    guarantees,
    rate: (round) => throughput(events, CONCURRENCY, (index) => once(`${round}-${index}`, index)),
    async latency(round) {
      const times = await latencies(Math.min(events, LATENCY_EVENTS), (index) =>
        once(`${round}-latency-${index}`, index),
      );
      return { p50Us: quantile(times, 0.5), p99Us: quantile(times, 0.99) };
    },
  };
}

/** Returns a function that guards an event with a handler that does nothing. */
export function guards(dedup: Deduplicator): (id: string) => Promise<unknown> {
  return (eventId) => dedup.guard({ subscriptionId: "bench", eventId }, () => undefined);
}
