import type { JetStreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { delay, systemClock } from "../../internal/clock.ts";
import { apiCodeOf, apiCodes, isUnheardOf, writeFailed } from "../wire/error-codes.ts";
import { bucketStream, subjectOf } from "../wire/subject.ts";

const PAUSE_MS = 20;

/**
 * Waits until a bucket that was just created takes writes that are sent from here: the server of this connection may hear a
 * little later who leads it. Asks by a compare-and-set that cannot succeed, so that any answer of the bucket's will do.
 * @throws {StoreUnavailableError} when it does not within `timeoutMs`.
 */
export async function untilWritable(connection: NatsConnection, bucket: string, timeoutMs: number): Promise<void> {
  const fields = headers();
  fields.append("Nats-Expected-Stream", bucketStream(bucket));
  fields.append("Nats-Expected-Last-Subject-Sequence", String(Number.MAX_SAFE_INTEGER));
  const giveUpAtMs = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    try {
      await connection.request(subjectOf(bucket, "-"), "", { headers: fields, timeout: timeoutMs });
      return;
    } catch (cause) {
      if (!isUnheardOf(cause) || systemClock.monotonicMs() > giveUpAtMs) throw writeFailed(bucket, cause);
    }
    await pause();
  }
}

/** Waits until whoever answers reads has heard of a bucket that was just created, but no longer than `timeoutMs`. */
export async function untilReadable(jsm: JetStreamManager, bucket: string, timeoutMs: number): Promise<void> {
  const giveUpAtMs = systemClock.monotonicMs() + timeoutMs;
  const isUnknown = (cause: unknown): boolean => apiCodeOf(cause) === apiCodes.noStream;
  const asked = () => jsm.streams.getMessage(bucketStream(bucket), { last_by_subj: subjectOf(bucket, "-") });
  while ((await asked().then(() => false, isUnknown)) && systemClock.monotonicMs() < giveUpAtMs) await pause();
}

/** A moment, in which a server may hear of a bucket. */
export function pause(): Promise<void> {
  return delay(systemClock, PAUSE_MS, []);
}
