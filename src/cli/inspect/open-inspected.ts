import { withPeers } from "../connection/nats.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import { openPostgres, type PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { CliIo } from "../terminal/io.ts";
import type { InspectedStore } from "./inspected.ts";

/** Opens the store that the flags select: in PostgreSQL, or in a NATS bucket. */
export async function openInspected(flags: BucketFlags & PostgresKeysFlags, io: CliIo): Promise<InspectedStore> {
  if (flags.postgres !== undefined) {
    const postgres = await openPostgres(flags.postgres, flags.schema, io);
    return { store: postgres.store, name: "PostgreSQL", [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose]() };
  }
  const { inspectedBuckets } = await withPeers(() => import("./inspected-buckets.ts"));
  return inspectedBuckets(flags, io);
}
