import { StoreUnavailableError } from "../../errors.ts";
import { systemClock } from "../../internal/clock.ts";
import type { CacheInvalidation, Revision } from "../../model/store.ts";
import { CacheEpoch } from "../../stores/cache-epoch.ts";
import type { BucketWriter } from "../wire/bucket-writer.ts";
import { readFailed } from "../wire/error-codes.ts";
import type { RequestMultiplexer } from "../wire/request-multiplexer.ts";
import { lastMessage } from "./key-state.ts";

/** Of one part, so that no list and no watch of keys meets it. */
const MARK_KEY = "cleared";
/** How often others may be about to change it, too. */
const ROUNDS = 10;

/** What a bucket's mark is read and written with. */
export interface BucketEpochOptions {
  readonly bucket: string;
  readonly timeoutMs: number;
  /** The mark stays for as long as anything can be remembered. */
  readonly maxWindowMs: number;
}

/** The clears of a bucket: the mark is the revision of a message that says nothing else. */
export function bucketEpoch(
  inbox: RequestMultiplexer,
  writer: BucketWriter,
  terms: BucketEpochOptions,
): CacheInvalidation {
  const { bucket, timeoutMs, maxWindowMs } = terms;
  const read = async (): Promise<Revision> => {
    const message = await lastMessage(inbox, bucket, MARK_KEY, timeoutMs).catch((cause: unknown) => {
      throw readFailed(bucket, cause);
    });
    return message?.seq ?? 0;
  };
  const mark = { key: MARK_KEY, payload: "", ttlSeconds: Math.ceil(maxWindowMs / 1_000), operation: "remove" } as const;
  const change = async (): Promise<Revision> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const revision = await writer.write({ ...mark, expected: await read() });
      if (revision !== undefined) return revision;
    }
    throw new StoreUnavailableError(`Bucket ${bucket} is cleared too often at once`, { ambiguous: false });
  };
  return new CacheEpoch(systemClock, { read, change });
}

/** The clears of several buckets: any of them counts, and all are told. */
export function jointEpoch(all: readonly CacheInvalidation[]): CacheInvalidation {
  let known: readonly number[] = all.map(() => 0);
  let changes = 0;
  return {
    /** Not the sum of their marks: those of buckets that count from microseconds add up to more than a number holds exactly. */
    epoch(): number | undefined {
      const marks = all.map((clears) => clears.epoch()).filter((mark) => mark !== undefined);
      if (marks.length < all.length) return undefined;
      if (marks.some((mark, at) => mark !== known[at])) changes += 1;
      known = marks;
      return marks.every((mark) => mark === 0) ? 0 : changes;
    },
    async invalidate(): Promise<void> {
      await Promise.all(all.map((clears) => clears.invalidate()));
    },
  };
}
