import type { Revision } from "../../model/store.ts";
import type { AtomicBatchResult } from "../wire/batch.ts";
import type { BucketWriter } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { writeFailed } from "../wire/error-codes.ts";
import { repeatRefused } from "./refused-batch.ts";

/** Result of a write: its revision, `undefined` for a conflict, or an error if it is not known to be stored. */
export type SentWrite = Revision | undefined | Error;

/** Channels of a bucket through which writes are sent. */
export interface BucketChannels {
  readonly bucket: string;
  readonly writer: BucketWriter;
  readonly sendBatch: (writes: readonly CompareAndSet[], onResult: (result: AtomicBatchResult) => void) => void;
}

/** Sends single writes and batches, and reports the result of every write once. */
export class WriteSender<Pending extends { readonly write: CompareAndSet }> {
  readonly #channels: BucketChannels;
  readonly #onResult: (pending: Pending, result: SentWrite) => void;

  constructor(channels: BucketChannels, onResult: (pending: Pending, result: SentWrite) => void) {
    this.#channels = channels;
    this.#onResult = onResult;
  }

  /** Calls `onAnswer` at the server's first answer, before the result is reported. */
  sendSingle(pending: Pending, onAnswer?: () => void): void {
    const { writer } = this.#channels;
    writer.publish(pending.write, (answer) => {
      onAnswer?.();
      if (typeof answer === "number") this.#onResult(pending, answer);
      else this.#reportWhenSettled(pending, writer.settle(pending.write, answer));
    });
  }

  /** Calls `onAnswer` at the server's answer to the batch, before any result is reported. */
  sendBatch(members: readonly Pending[], onAnswer: () => void): void {
    const writes = members.map(({ write }) => write);
    this.#channels.sendBatch(writes, (result) => {
      onAnswer();
      for (const [index, member] of members.entries()) this.#reportMember(member, index, result);
    });
  }

  #reportMember(member: Pending, index: number, result: AtomicBatchResult): void {
    switch (result.type) {
      case "stored":
        this.#onResult(member, result.revisions[index]);
        break;
      case "unknown":
        this.#onResult(member, result.error);
        break;
      case "refused":
        this.#reportWhenSettled(member, repeatRefused(this.#channels, member.write, result.certain));
        break;
    }
  }

  #reportWhenSettled(pending: Pending, settled: Promise<Revision | undefined>): void {
    settled.then(
      (revision) => this.#onResult(pending, revision),
      (error: unknown) =>
        this.#onResult(pending, error instanceof Error ? error : writeFailed(this.#channels.bucket, error)),
    );
  }
}
