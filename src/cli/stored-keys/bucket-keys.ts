import { LetterStream } from "../../nats/dead-letters/letter-stream.ts";
import { natsStore } from "../../nats/index.ts";
import { type BucketFlags, openBuckets } from "../connection/open-buckets.ts";
import type { CliIo } from "../terminal/io.ts";
import { lookUp } from "./look-up.ts";
import { withoutFailed } from "./matching-keys.ts";
import { scanBuckets } from "./scan.ts";
import type { OpenKeys } from "./shared-keys.ts";

/** Opens the keys of a NATS bucket and of its shards. @throws as {@link openBuckets}. */
export async function openBucketKeys(flags: BucketFlags, io: CliIo): Promise<OpenKeys> {
  const buckets = await openBuckets(flags, io);
  const { name, bucketNames, serverMs, difference, connection, jsm, apiPrefix } = buckets;
  return {
    name,
    title: `bucket ${name}`,
    bucketNames,
    serverMs,
    difference,
    scan: (filter, subjectsIn) => withoutFailed(scanBuckets(buckets, filter, subjectsIn)),
    scanAll: (filter) => scanBuckets(buckets, filter),
    lookUp: (subjectsIn) => lookUp(buckets, subjectsIn),
    letters: (subject) => new LetterStream(jsm, subject).letters(),
    async openStores() {
      const opened = bucketNames.map(
        async (bucket) => [bucket, await natsStore(connection, { bucket, apiPrefix })] as const,
      );
      return new Map(await Promise.all(opened));
    },
    [Symbol.asyncDispose]: () => buckets[Symbol.asyncDispose](),
  };
}
