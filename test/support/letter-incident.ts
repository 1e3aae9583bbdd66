import type { NatsConnection } from "@nats-io/nats-core";
import { PermanentError } from "../../src/errors.ts";
import type { DeadLetters } from "../../src/model/dead-letter.ts";
import type { Store } from "../../src/model/store.ts";
import { type ConsumeOptions, deadLetters, natsStore } from "../../src/nats/index.ts";
import { createEventStream, type EventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";
import { startWorker, type Worker } from "./worker.ts";

/** A stream whose events become dead letters, and its consumers. */
export interface LetterIncident extends AsyncDisposable {
  readonly bucket: string;
  readonly stream: EventStream;
  readonly store: Store;
  readonly letters: DeadLetters;
  /** Bodies of the messages whose dispatch succeeded. */
  readonly effects: readonly string[];
  /** Lets dispatches succeed from now on. */
  repair(): void;
  work(options?: Partial<ConsumeOptions>): Promise<Worker>;
  through(connection: NatsConnection): Promise<DeadLetters>;
}

let buckets = 0;

/** Creates a stream whose events become dead letters until the handler is repaired. */
export async function incident(connection: NatsConnection): Promise<LetterIncident> {
  buckets += 1;
  const bucket = `redriven${buckets}`;
  const stream = await createEventStream(connection);
  const store = await natsStore(connection, { bucket, storage: "memory" });
  const effects: string[] = [];
  const workers: Worker[] = [];
  let isRepaired = false;
  return {
    bucket,
    stream,
    store,
    letters: await deadLetters(connection, { subject: stream.deadSubject, store }),
    effects,
    repair() {
      isRepaired = true;
    },
    async work(options = {}) {
      const worker = await startWorker(stream, {
        dedup: { store, leaseMs: 60_000 },
        ...options,
        dispatch(_id, _context, message) {
          if (!isRepaired) throw new PermanentError("No such shop");
          effects.push(message.string());
        },
      });
      workers.push(worker);
      return worker;
    },
    async through(other) {
      return deadLetters(other, { subject: stream.deadSubject, store: await natsStore(other, { bucket }) });
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) await worker[Symbol.asyncDispose]();
    },
  };
}

/** Waits until the consumer has answered every message of the stream. */
export async function answered(stream: EventStream): Promise<void> {
  await eventually("every message to be answered", async () => {
    const { num_pending, num_ack_pending } = await stream.info();
    return num_pending === 0 && num_ack_pending === 0 ? true : undefined;
  });
}
