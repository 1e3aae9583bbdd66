import type { JetStreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import type { BackoffRange } from "../../internal/backoff.ts";
import { systemClock } from "../../internal/clock.ts";
import { retryUntil } from "../../internal/retry.ts";
import { type BucketAddress, publishSubject } from "../wire/bucket-address.ts";
import { apiCodeOf, apiCodes, hasNoResponders, writeFailed } from "../wire/error-codes.ts";
import { bucketStream, subjectOf } from "../wire/subject.ts";

/** Pauses while the servers of a cluster learn that a bucket exists. */
export const READINESS_BACKOFF: BackoffRange = { firstMs: 20, longestMs: 20 };

type Place = Pick<BucketAddress, "apiPrefix" | "bucket" | "timeoutMs">;

/**
 * Waits until a new bucket accepts writes from this connection: its server may learn a little later who leads the bucket.
 * Sends a compare-and-set that cannot succeed, so any answer from the bucket will do.
 * @throws {StoreUnavailableError} if the bucket does not answer within `timeoutMs`.
 */
export async function untilWritable(connection: NatsConnection, address: Place): Promise<void> {
  const { bucket, timeoutMs } = address;
  const fields = headers();
  fields.append("Nats-Expected-Stream", bucketStream(bucket));
  fields.append("Nats-Expected-Last-Subject-Sequence", String(Number.MAX_SAFE_INTEGER));
  await retryUntil({ clock: systemClock, timeoutMs, backoff: READINESS_BACKOFF }, async (isLast) => {
    try {
      return await connection.request(publishSubject(address, "-"), "", { headers: fields, timeout: timeoutMs });
    } catch (cause) {
      if (!hasNoResponders(cause) || isLast) throw writeFailed(bucket, cause);
      return undefined;
    }
  });
}

/** Waits until the servers that answer reads know a new bucket, for at most `timeoutMs`. */
export async function untilReadable(jsm: JetStreamManager, { bucket, timeoutMs }: Place): Promise<void> {
  await retryUntil({ clock: systemClock, timeoutMs, backoff: READINESS_BACKOFF }, () =>
    jsm.streams.getMessage(bucketStream(bucket), { last_by_subj: subjectOf(bucket, "-") }).then(
      () => true,
      (cause: unknown) => (apiCodeOf(cause) === apiCodes.noStream ? undefined : true),
    ),
  );
}
