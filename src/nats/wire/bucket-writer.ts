import type { ApiError } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import type { StoreUnavailableError } from "../../errors.ts";
import { delay, systemClock } from "../../internal/clock.ts";
import type { Revision } from "../../model/store.ts";
import { type CompareAndSet, headersOf } from "./compare-and-set.ts";
import { apiCodes, refused, writeFailed } from "./error-codes.ts";
import type { RequestMultiplexer } from "./request-multiplexer.ts";
import { bucketStream, subjectOf } from "./subject.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 64;

/** What became of one try to write; an error that the server answered has a code. */
export type WriteAnswer = Revision | ApiError | StoreUnavailableError;

/** Where a writer writes, and how long it waits for an answer. */
export interface WriterTerms {
  readonly bucket: string;
  readonly timeoutMs: number;
}

/** Publishes to a bucket, one message at a time, always as a compare-and-set. */
export class BucketWriter {
  readonly #inbox: RequestMultiplexer;
  readonly #terms: WriterTerms;
  readonly #stream: string;

  constructor(inbox: RequestMultiplexer, terms: WriterTerms) {
    this.#inbox = inbox;
    this.#terms = terms;
    this.#stream = bucketStream(terms.bucket);
  }

  /**
   * Stores the message if `expected` is the revision of its key, and returns the new one; `undefined` for a conflict.
   * @throws {StoreUnavailableError}
   */
  async write(write: CompareAndSet): Promise<Revision | undefined> {
    return this.settle(write, await this.#published(write));
  }

  /** One try. */
  publish(write: CompareAndSet, onAnswer: (answer: WriteAnswer) => void): void {
    const { bucket, timeoutMs } = this.#terms;
    const terms = { headers: headersOf(this.#stream, write), timeoutMs };
    this.#inbox.ask(subjectOf(bucket, write.key), write.payload, terms, (answer) => {
      onAnswer(answer instanceof Error ? writeFailed(bucket, answer) : this.#read(answer));
    });
  }

  /** Judges the answer to a first try, and tries again while other writes to the key are in flight. */
  async settle(write: CompareAndSet, first: WriteAnswer): Promise<Revision | undefined> {
    const giveUpAtMs = systemClock.monotonicMs() + this.#terms.timeoutMs;
    let answer = first;
    for (let pauseMs = FIRST_PAUSE_MS; typeof answer !== "number"; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (answer instanceof Error) throw answer;
      if (answer.err_code === apiCodes.wrongLastSequence) return undefined;
      const isBusy = answer.err_code === apiCodes.anotherWriteInFlight;
      if (!isBusy || systemClock.monotonicMs() + pauseMs > giveUpAtMs) {
        throw refused(this.#terms.bucket, answer.err_code, answer);
      }
      await delay(systemClock, pauseMs, []);
      answer = await this.#published(write);
    }
    return answer;
  }

  #published(write: CompareAndSet): Promise<WriteAnswer> {
    return new Promise((resolve) => {
      this.publish(write, resolve);
    });
  }

  #read(message: Msg): WriteAnswer {
    try {
      const { seq, error } = message.json<{ readonly seq?: unknown; readonly error?: ApiError }>();
      if (error !== undefined) return error;
      if (isRevision(seq)) return seq;
      throw new Error("The answer to a write is no acknowledgement");
    } catch (cause) {
      return writeFailed(this.#terms.bucket, cause);
    }
  }
}

export function isRevision(value: unknown): value is Revision {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
