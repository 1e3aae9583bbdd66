import { setTimeout as pause } from "node:timers/promises";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/transport-node";
import { between, type Chance } from "../../src/cli/demo/scenario/random.ts";
import { machineMs } from "./machine-clock.ts";

/** One event to publish, with its copies. */
export interface Publication {
  readonly event: string;
  readonly subject: string;
  /** Pause since the previous publication, in milliseconds. */
  readonly pauseMs: number;
  /** Delay of each copy, in milliseconds. */
  readonly copiesMs: readonly number[];
}

export interface LoadOptions {
  readonly perSecond: number;
  /** Subject of events that are dispatched once. */
  readonly once: string;
  /** Subject of the few events that recur and are dispatched again after their window. */
  readonly recurring: string;
}

/** Number of events that recur at the same time, and for how long. */
const RECURRING = 4;
const RECUR_FOR_MS = 20_000;

/** Returns true for an event that is dispatched once, false for one that is dispatched again after its window. */
export function isDispatchedOnce(event: string): boolean {
  return event.startsWith("once-");
}

/** Yields publications without end, in bursts of about ten. A third of the events have copies: immediate, soon after, or much later. */
export function* load(chance: Chance, { perSecond, once, recurring }: LoadOptions): Generator<Publication, never> {
  let atMs = 0;
  for (let number = 1; ; number += 1) {
    const pauseMs = chance() < 0.9 ? between(chance, 0, 4) : between(chance, 0, Math.round(20_000 / perSecond));
    atMs += pauseMs;
    const latestMs = [0, 50, 2_000, 20_000][between(chance, 0, 3)] ?? 0;
    const copies = chance() < 0.67 ? 1 : between(chance, 2, 4);
    const copiesMs = [0, ...Array.from({ length: copies - 1 }, () => between(chance, 0, latestMs))];
    if (chance() < 0.15) {
      const event = `recurring-${Math.floor(atMs / RECUR_FOR_MS)}-${between(chance, 1, RECURRING)}`;
      yield { event, subject: recurring, pauseMs, copiesMs };
    } else {
      yield { event: `once-${number}`, subject: once, pauseMs, copiesMs };
    }
  }
}

/** Publishes every event at least once: repeats each publication until it is acknowledged. */
export class Producer {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #signal: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();
  /** Number of acknowledged publications of each event. */
  readonly published = new Map<string, number>();
  /** Number of publications without an acknowledgement. Each may have left an uncounted copy. */
  repeated = 0;

  /** Starts no publication after `signal` aborts, and finishes those in flight. */
  constructor(connection: NatsConnection, signal: AbortSignal) {
    this.#connection = connection;
    this.#jetstream = jetstream(connection, { timeout: 2_000 });
    this.#signal = signal;
  }

  async run(publications: Iterable<Publication>): Promise<void> {
    let dueMs = machineMs();
    for (const { pauseMs, ...publication } of publications) {
      dueMs += pauseMs;
      await pause(Math.max(0, dueMs - machineMs()), undefined, { signal: this.#signal }).catch(() => {});
      if (this.#signal.aborted) break;
      for (const afterMs of publication.copiesMs) this.#start(publication, afterMs);
    }
    await Promise.all(this.#inFlight);
  }

  #start(publication: Omit<Publication, "pauseMs">, afterMs: number): void {
    const task = this.#publish(publication, afterMs).finally(() => this.#inFlight.delete(task));
    this.#inFlight.add(task);
  }

  async #publish({ event, subject }: Omit<Publication, "pauseMs">, afterMs: number): Promise<void> {
    await pause(afterMs, undefined, { signal: this.#signal }).catch(() => {});
    const own = headers();
    own.set("ce-id", event);
    while (!this.#connection.isClosed()) {
      try {
        await this.#jetstream.publish(subject, "", { headers: own });
        this.published.set(event, (this.published.get(event) ?? 0) + 1);
        return;
      } catch {
        this.repeated += 1;
        await pause(200);
      }
    }
  }
}
