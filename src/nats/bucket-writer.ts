import type { ApiError } from "@nats-io/jetstream";
import { headers, type Msg, type NatsConnection } from "@nats-io/nats-core";
import { systemClock } from "../clock.ts";
import type { StoreKey } from "../key.ts";
import type { Revision } from "../store.ts";
import { apiCodes, refused, writeFailed } from "./answers.ts";
import { streamOf, subjectOf } from "./subject.ts";

export interface Message {
  readonly key: StoreKey;
  readonly payload: string;
  readonly ttlSeconds: number;
  /** `remove` leaves a mark in the place of a record. */
  readonly operation: "put" | "remove";
}

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 64;

/**
 * Publishes to a bucket, always as a compare-and-set.
 *
 * It does not go through the client's `publish` for JetStream: that would cost a fifth more, and here the answer is judged by
 * its code in any case.
 */
export class BucketWriter {
  readonly #connection: NatsConnection;
  readonly #bucket: string;
  readonly #stream: string;
  readonly #timeoutMs: number;

  constructor(connection: NatsConnection, { bucket, timeoutMs }: { bucket: string; timeoutMs: number }) {
    this.#connection = connection;
    this.#bucket = bucket;
    this.#stream = streamOf(bucket);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Stores the message if `expected` is the revision of its key, and returns the new one; `undefined` for a conflict.
   * @throws {StoreUnavailableError}
   */
  async write(message: Message, expected: Revision): Promise<Revision | undefined> {
    const giveUpAtMs = systemClock.monotonicMs() + this.#timeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const answer = await this.#publish(message, expected);
      if (typeof answer === "number") return answer;
      if (answer.err_code === apiCodes.wrongLastSequence) return undefined;
      const isBusy = answer.err_code === apiCodes.anotherWriteInFlight;
      if (!isBusy || systemClock.monotonicMs() + pauseMs > giveUpAtMs) {
        throw refused(this.#bucket, answer.err_code, answer);
      }
      await pause(pauseMs);
    }
  }

  async #publish({ key, payload, ttlSeconds, operation }: Message, expected: Revision): Promise<Revision | ApiError> {
    const fields = headers();
    fields.append("Nats-Expected-Stream", this.#stream);
    fields.append("Nats-Expected-Last-Subject-Sequence", String(expected));
    fields.append("Nats-TTL", `${ttlSeconds}s`);
    // Not a purge: that is a rollup, and what it takes away with time left to live stays in the server's memory.
    if (operation === "remove") fields.append("KV-Operation", "DEL");
    try {
      const how = { headers: fields, timeout: this.#timeoutMs };
      return readAnswer(await this.#connection.request(subjectOf(this.#bucket, key), payload, how));
    } catch (cause) {
      throw writeFailed(this.#bucket, cause);
    }
  }
}

/** @throws {Error} for an answer that is none of JetStream's. */
function readAnswer(message: Msg): Revision | ApiError {
  const { seq, error } = message.json<{ readonly seq?: unknown; readonly error?: ApiError }>();
  if (error !== undefined) return error;
  if (typeof seq === "number" && Number.isSafeInteger(seq) && seq > 0) return seq;
  throw new Error("The answer to a write is no acknowledgement");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.schedule(ms, resolve);
  });
}
