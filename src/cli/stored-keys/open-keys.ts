import { withPeers } from "../connection/nats.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { CliIo } from "../terminal/io.ts";
import type { OpenKeys } from "./shared-keys.ts";

/** Opens the keys that the flags select: in PostgreSQL, or in a NATS bucket. Either way needs the packages of that server alone. */
export async function openKeys(flags: BucketFlags & PostgresKeysFlags, io: CliIo): Promise<OpenKeys> {
  if (flags.postgres !== undefined) {
    const { openPostgresKeys } = await import("./postgres-keys.ts");
    return openPostgresKeys(flags.postgres, flags.schema, io);
  }
  const { openBucketKeys } = await withPeers(() => import("./bucket-keys.ts"));
  return openBucketKeys(flags, io);
}
