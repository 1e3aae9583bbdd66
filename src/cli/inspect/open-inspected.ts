import type { NatsConnection } from "@nats-io/nats-core";
import type { NatsStore } from "../../nats/index.ts";
import type { PostgresStore } from "../../postgres/index.ts";
import { type BucketFlags, openBuckets } from "../connection/open-buckets.ts";
import { openPostgres, type PostgresKeysFlags } from "../connection/open-postgres.ts";
import { asCommandErrorAsync } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { storeOf } from "./store-of.ts";

/** The store that the page shows, with its name. */
export interface Inspected extends AsyncDisposable {
  readonly store: NatsStore | PostgresStore;
  readonly name: string;
  /** Connection to the bucket's server, for dead letters. Missing for PostgreSQL. */
  readonly connection?: NatsConnection;
}

/** Opens the store that the flags select: in PostgreSQL, or in a NATS bucket. */
export async function openInspected(flags: BucketFlags & PostgresKeysFlags, io: CliIo): Promise<Inspected> {
  if (flags.postgres !== undefined) {
    const postgres = await openPostgres(flags.postgres, flags.schema, io);
    return { store: postgres.store, name: "PostgreSQL", [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose]() };
  }
  const buckets = await openBuckets(flags, io);
  try {
    const store = await asCommandErrorAsync(() => storeOf(buckets));
    const { connection } = buckets;
    return {
      store,
      connection,
      name: `bucket ${buckets.name}`,
      [Symbol.asyncDispose]: () => buckets[Symbol.asyncDispose](),
    };
  } catch (error) {
    await buckets[Symbol.asyncDispose]();
    throw error;
  }
}
