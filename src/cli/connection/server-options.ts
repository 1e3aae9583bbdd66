import { type Command, Option } from "commander";
import { MAX_SHARDS } from "../../nats/kv/store-options.ts";
import { DEFAULT_SCHEMA } from "../../postgres/schema.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";

/** Adds the options that name a NATS server, and how to reach its JetStream. */
export function addNats(command: Command, purpose = "NATS server, or several separated by commas (default: NATS_URL)") {
  return command
    .option("--nats <url>", purpose)
    .option("--creds <path>", "NATS credentials file (default: NATS_CREDS)")
    .option("--inbox-prefix <subject>", "prefix of the reply subjects (default: NATS_INBOX_PREFIX)")
    .option("--domain <name>", "JetStream domain of the streams and buckets (default: NATS_DOMAIN)")
    .option("--api-prefix <subject>", "prefix of the JetStream API, instead of --domain (default: NATS_API_PREFIX)");
}

/** Adds the options that name a bucket and its server. */
export function addBucket(command: Command): Command {
  return addNats(
    command
      .optionsGroup("Bucket:")
      .option("--bucket <name>", "name of the bucket (default: LATCHKEY_BUCKET, or the only one)"),
  );
}

/** Adds the options that name a bucket, with its number of shards. */
export function addShardedBucket(command: Command): Command {
  return addBucket(command).option(
    "--shards <n>",
    "number of buckets that share the keys (default: detected)",
    wholeNumberFrom(1, MAX_SHARDS),
  );
}

/** Adds the options that select keys in PostgreSQL instead of a bucket. */
export function addPostgresKeys(command: Command): Command {
  return command
    .optionsGroup("PostgreSQL:")
    .addOption(new Option("--postgres <url>", "keys in PostgreSQL instead of a bucket").conflicts(NATS_OPTIONS))
    .option("--schema <name>", `schema of the tables (default: ${DEFAULT_SCHEMA})`);
}

/** Options that select or concern NATS, by their attributes. */
export const NATS_OPTIONS = [
  ...["bucket", "shards", "nats", "creds", "inboxPrefix", "domain", "apiPrefix"],
  ...["stream", "consumer", "deadLetter", "concurrency", "attempts", "monitor", "window", "lease"],
  ...["group", "minPending", "minAckPending", "priority"],
];
