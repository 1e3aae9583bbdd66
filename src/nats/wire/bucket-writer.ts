import type { ApiError } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import type { BackoffRange } from "../../internal/backoff.ts";
import { systemClock } from "../../internal/clock.ts";
import { retryUntil } from "../../internal/retry.ts";
import type { Revision } from "../../model/store.ts";
import { type BucketAddress, publishSubject } from "./bucket-address.ts";
import { type CompareAndSet, writeHeaders } from "./compare-and-set.ts";
import { apiCodes, refused, type WriteError, writeFailed } from "./error-codes.ts";
import type { RequestMultiplexer } from "./request-multiplexer.ts";
import { bucketStream } from "./subject.ts";

/** Pauses while another write to the same key is in flight. */
const IN_FLIGHT_BACKOFF: BackoffRange = { firstMs: 1, longestMs: 64 };

/** Answer to one attempt to write. An error that the server reported has a code. */
export type WriteAnswer = Revision | ApiError | WriteError;

/** Publishes single messages to a bucket, always as a compare-and-set. */
export class BucketWriter {
  readonly #requests: RequestMultiplexer;
  readonly #address: BucketAddress;
  readonly #stream: string;

  constructor(requests: RequestMultiplexer, address: BucketAddress) {
    this.#requests = requests;
    this.#address = address;
    this.#stream = bucketStream(address.bucket);
  }

  /**
   * Stores the message if `expected` is the revision of its key.
   * @returns the new revision, or `undefined` for a conflict.
   * @throws {WriteError}
   */
  async write(write: CompareAndSet): Promise<Revision | undefined> {
    return this.settle(write, await this.#published(write));
  }

  /** Sends one attempt and calls `onAnswer` once. */
  publish(write: CompareAndSet, onAnswer: (answer: WriteAnswer) => void): void {
    const { bucket, revisionOffset } = this.#address;
    const terms = { headers: writeHeaders(this.#stream, write, revisionOffset), timeoutMs: write.timeoutMs };
    this.#requests.send(publishSubject(this.#address, write.key), write.payload, terms, (answer) => {
      onAnswer(answer instanceof Error ? writeFailed(bucket, answer) : this.#read(answer));
    });
  }

  /**
   * Interprets the answer to the first attempt, and repeats the write while another write to its key is in flight.
   * @returns the new revision, or `undefined` for a conflict.
   * @throws {WriteError}
   */
  async settle(write: CompareAndSet, first: WriteAnswer): Promise<Revision | undefined> {
    const { bucket } = this.#address;
    let early: WriteAnswer | undefined = first;
    const settled = await retryUntil(
      { clock: systemClock, timeoutMs: write.timeoutMs, backoff: IN_FLIGHT_BACKOFF },
      async (isLast): Promise<{ readonly revision: Revision | undefined } | undefined> => {
        const answer = early ?? (await this.#published(write));
        early = undefined;
        if (typeof answer === "number") return { revision: answer };
        if (answer instanceof Error) throw answer;
        if (answer.err_code === apiCodes.wrongLastSequence) return { revision: undefined };
        if (answer.err_code === apiCodes.anotherWriteInFlight && !isLast) return undefined;
        throw refused(bucket, answer.err_code, answer);
      },
    );
    return settled?.revision;
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
      if (isRevision(seq)) return seq + this.#address.revisionOffset;
      throw new Error("The answer to a write is not an acknowledgement");
    } catch (cause) {
      return writeFailed(this.#address.bucket, cause);
    }
  }
}

export function isRevision(value: unknown): value is Revision {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
