import { LruMap } from "../../internal/lru-map.ts";
import type { ReceivedMessage } from "./received-message.ts";

/** Final action of this process on a message, which the server may still redeliver. */
export type Finish =
  /** No further dispatch follows: the dead letter is being stored. */
  | "storing"
  /** The message was terminated. */
  | "terminated";

interface Finished {
  readonly finish: Finish;
  /** Differs if the stream was created again. */
  readonly timestampNanos: bigint;
  /** Starts again if the consumer was created again, or reset. */
  readonly deliveries: number;
}

/** Maximum number of messages to remember. A forgotten message is dispatched again if its answer was lost. */
const MAX_MESSAGES = 10_000;

/**
 * The messages that this process finished without a commit. The server redelivers a message whose answer was lost or refused, and
 * neither the bucket nor the server knows that its dispatch failed for good.
 */
export class FinishedMessages {
  /** Finished messages, by sequence in the stream. */
  readonly #bySequence = new LruMap<number, Finished>(MAX_MESSAGES);

  add(message: ReceivedMessage, finish: Finish): void {
    const { timestampNanos } = message;
    this.#bySequence.set(message.seq, { finish, timestampNanos, deliveries: message.info.deliveryCount });
  }

  clear(): void {
    this.#bySequence.clear();
  }

  /** Returns how an earlier delivery of the message ended; `undefined` if the message may be dispatched. */
  find(message: ReceivedMessage): Finish | undefined {
    const found = this.#bySequence.get(message.seq);
    if (found === undefined || found.timestampNanos !== message.timestampNanos) return undefined;
    if (message.info.deliveryCount > found.deliveries) return found.finish;
    this.#bySequence.delete(message.seq);
    return undefined;
  }
}
