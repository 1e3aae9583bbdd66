import type { Deduplicator } from "latchkey";
import { latencies, perSecond, quantile } from "./measure.ts";

/** What one can rely on while it is so fast. */
export interface Promises {
  /** What has an event when it is acknowledged. */
  readonly keptBy: string;
  /** Whether somebody who held the key before cannot write any more. */
  readonly fence: "yes" | "no";
  /** What becomes of an event whose handler hangs or crashes. */
  readonly lease: "renewed, with a signal" | "fixed" | "none";
}

export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Somebody who marks events as begun and as done, in a way that another cannot mark the same. */
export interface Contestant {
  readonly name: string;
  readonly promises: Promises;
  /** Runs a round with new events, many at a time, and says how many were done in a second. */
  rate(round: string): Promise<number>;
  /** Runs a round with one event at a time. */
  alone?(round: string): Promise<Latency>;
}

export const CONCURRENCY = 512;
const ALONE = 1_000;

export interface OneByOne {
  readonly name: string;
  readonly promises: Promises;
  /** How many events a round has. */
  readonly events: number;
  once(id: string, index: number): Promise<unknown>;
}

/** One that can be asked for one event at a time. */
export type OneByOneContestant = Required<Contestant>;

export function oneByOne({ name, promises, events, once }: OneByOne): OneByOneContestant {
  return {
    name,
    promises,
    rate: (round) => perSecond(events, CONCURRENCY, (index) => once(`${round}-${index}`, index)),
    async alone(round) {
      const times = await latencies(Math.min(events, ALONE), (index) => once(`${round}-alone-${index}`, index));
      return { p50Us: quantile(times, 0.5), p99Us: quantile(times, 0.99) };
    },
  };
}

/** Guards, whose handlers do nothing. */
export function guards(dedup: Deduplicator): (id: string) => Promise<unknown> {
  return (eventId) => dedup.guard({ subscriptionId: "bench", eventId }, () => undefined);
}
