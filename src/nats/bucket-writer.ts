import type { ApiError } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { systemClock } from "../clock.ts";
import type { Revision } from "../store.ts";
import { apiCodes, refused, writeFailed } from "./answers.ts";
import { type CompareAndSet, headersOf } from "./compare-and-set.ts";
import type { Inbox } from "./inbox.ts";
import { streamOf, subjectOf } from "./subject.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 64;

/** What the server said to one write. */
export type WriteAnswer = Revision | ApiError;

/** Publishes to a bucket, one message at a time, always as a compare-and-set. */
export class BucketWriter {
  readonly #inbox: Inbox;
  readonly #bucket: string;
  readonly #stream: string;
  readonly #timeoutMs: number;

  constructor(inbox: Inbox, { bucket, timeoutMs }: { bucket: string; timeoutMs: number }) {
    this.#inbox = inbox;
    this.#bucket = bucket;
    this.#stream = streamOf(bucket);
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Stores the message if `expected` is the revision of its key, and returns the new one; `undefined` for a conflict.
   * @throws {StoreUnavailableError}
   */
  async write(write: CompareAndSet): Promise<Revision | undefined> {
    return this.settle(write, await this.publish(write));
  }

  /** One try. @throws {StoreUnavailableError} */
  async publish(write: CompareAndSet): Promise<WriteAnswer> {
    const headers = headersOf(this.#stream, write);
    const terms = { headers, timeoutMs: this.#timeoutMs };
    try {
      return readAnswer(await this.#inbox.request(subjectOf(this.#bucket, write.key), write.payload, terms));
    } catch (cause) {
      throw writeFailed(this.#bucket, cause);
    }
  }

  /** Judges the answer to a first try, and tries again while other writes to the key are in flight. */
  async settle(write: CompareAndSet, first: WriteAnswer): Promise<Revision | undefined> {
    if (typeof first === "number") return first;
    const giveUpAtMs = systemClock.monotonicMs() + this.#timeoutMs;
    let answer: WriteAnswer = first;
    for (let pauseMs = FIRST_PAUSE_MS; typeof answer !== "number"; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (answer.err_code === apiCodes.wrongLastSequence) return undefined;
      const isBusy = answer.err_code === apiCodes.anotherWriteInFlight;
      if (!isBusy || systemClock.monotonicMs() + pauseMs > giveUpAtMs) {
        throw refused(this.#bucket, answer.err_code, answer);
      }
      await pause(pauseMs);
      answer = await this.publish(write);
    }
    return answer;
  }
}

/** @throws {Error} for an answer that is none of JetStream's. */
function readAnswer(message: Msg): WriteAnswer {
  const { seq, error } = message.json<{ readonly seq?: unknown; readonly error?: ApiError }>();
  if (error !== undefined) return error;
  if (isRevision(seq)) return seq;
  throw new Error("The answer to a write is no acknowledgement");
}

export function isRevision(value: unknown): value is Revision {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.schedule(ms, resolve);
  });
}
