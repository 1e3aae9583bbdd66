import { keyMatcher } from "../../model/identity.ts";
import { type BucketFlags, openBuckets } from "../connection/open-buckets.ts";
import { type OpenPostgres, openPostgres, POSTGRES_NAME, type PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { CliIo } from "../terminal/io.ts";
import { type FilterFlags, isMatch, keyFilterOf } from "./key-filter.ts";
import { readKey } from "./read-key.ts";
import { scanBuckets } from "./scan.ts";
import type { StoredKey } from "./stored-key.ts";

/** The keys of a store that replicas share. */
export interface OpenKeys extends AsyncDisposable {
  /** Reads the matching keys. @throws {StoreUnavailableError} */
  scan(flags: FilterFlags): AsyncIterable<StoredKey>;
  /** Returns the time of the server that the keys follow. */
  readonly serverMs: () => number;
}

/** Opens the keys that the flags select: in PostgreSQL, or in a NATS bucket. */
export async function openKeys(flags: BucketFlags & PostgresKeysFlags, io: CliIo): Promise<OpenKeys> {
  if (flags.postgres === undefined) {
    const buckets = await openBuckets(flags, io);
    return {
      scan: (filter) => scanBuckets(buckets, filter),
      serverMs: buckets.serverMs,
      [Symbol.asyncDispose]: () => buckets[Symbol.asyncDispose](),
    };
  }
  const postgres = await openPostgres(flags.postgres, flags.schema, io);
  return {
    scan: (filter) => scanPostgres(postgres, filter),
    serverMs: postgres.serverMs,
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

async function* scanPostgres(postgres: OpenPostgres, flags: FilterFlags): AsyncGenerator<StoredKey, void> {
  const matches = keyMatcher(keyFilterOf(flags));
  for await (const message of postgres.messages()) {
    const stored = readKey(message, { bucket: POSTGRES_NAME, maxAgeMs: Number.POSITIVE_INFINITY });
    const isSelected = stored.key === undefined || matches(stored.key);
    if (isSelected && isMatch(stored, flags, postgres.serverMs())) yield stored;
  }
}
