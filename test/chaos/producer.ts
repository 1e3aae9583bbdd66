import { setTimeout as pause } from "node:timers/promises";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/transport-node";
import { between, type Chance } from "../../src/cli/demo/random.ts";
import { machineMs } from "./machine-clock.ts";

/** What is to be published. */
export interface Publication {
  readonly event: string;
  readonly subject: string;
  /** How long after the one before it comes. */
  readonly pauseMs: number;
  /** How long after its turn each copy is published. */
  readonly copiesMs: readonly number[];
}

export interface LoadOptions {
  readonly perSecond: number;
  /** The subject of events that are dispatched once and for all. */
  readonly once: string;
  /** The subject of a few events that come again and again, and are to be dispatched again when their window is over. */
  readonly again: string;
}

/** So many events come again and again at a time, for so long. */
const RECURRING = 4;
const RECUR_FOR_MS = 20_000;

/** Whether the event is dispatched once and for all, rather than again when its window is over. */
export function isOnceAndForAll(event: string): boolean {
  return event.startsWith("once-");
}

/** Without end, ten at a time. Of what is published once and for all, a third comes more than once: at once, soon after, or much later. */
export function* load(chance: Chance, { perSecond, once, again }: LoadOptions): Generator<Publication, never> {
  let atMs = 0;
  for (let number = 1; ; number += 1) {
    const pauseMs = chance() < 0.9 ? between(chance, 0, 4) : between(chance, 0, Math.round(20_000 / perSecond));
    atMs += pauseMs;
    const latestMs = [0, 50, 2_000, 20_000][between(chance, 0, 3)] ?? 0;
    const copies = chance() < 0.67 ? 1 : between(chance, 2, 4);
    const copiesMs = [0, ...Array.from({ length: copies - 1 }, () => between(chance, 0, latestMs))];
    if (chance() < 0.15) {
      const event = `again-${Math.floor(atMs / RECUR_FOR_MS)}-${between(chance, 1, RECURRING)}`;
      yield { event, subject: again, pauseMs, copiesMs };
    } else {
      yield { event: `once-${number}`, subject: once, pauseMs, copiesMs };
    }
  }
}

/** Publishes at least once: what was not acknowledged is published again, until it is. */
export class Producer {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();
  /** How often each event was acknowledged by the stream. */
  readonly published = new Map<string, number>();
  /** How often a publication was not acknowledged, so that there may be a copy that nobody counted. */
  repeated = 0;

  /** Publishes nothing new when `signal` aborts; what is under way is finished. */
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
    await Promise.all(this.#underWay);
  }

  #start(publication: Omit<Publication, "pauseMs">, afterMs: number): void {
    const task = this.#publish(publication, afterMs).finally(() => this.#underWay.delete(task));
    this.#underWay.add(task);
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
