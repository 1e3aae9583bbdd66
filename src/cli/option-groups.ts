import { type Command, Option } from "commander";
import { MAX_SHARDS } from "../nats/kv/store-options.ts";
import { DEFAULT_SCHEMA } from "../postgres/schema.ts";
import { duration, wholeNumber } from "./terminal/option-values.ts";

/** Adds the options that select keys. */
export function addFilter(command: Command): Command {
  return command
    .optionsGroup("Filters (a key must match all):")
    .option("--workspace <id>", "keys of this tenant")
    .option("--subscription <id>", "keys of this subscription")
    .option("--event <id>", "keys of this event, in any subscription")
    .option("--owner <text>", "keys whose owner contains this text")
    .option("--older-than <duration>", "keys reserved or committed longer ago than 90s, 15m, 12h, 7d", duration)
    .option("--newer-than <duration>", "keys reserved or committed more recently", duration);
}

/** Adds the options that name a bucket, with its number of shards. */
export function addBucket(command: Command): Command {
  return addServer(command).option(
    "--shards <n>",
    "number of buckets that share the keys (default: detected)",
    wholeNumber(1, MAX_SHARDS),
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
];

/** Adds the options that name a bucket and its server. */
export function addServer(command: Command): Command {
  return command
    .optionsGroup("Bucket:")
    .option("--bucket <name>", "name of the bucket (default: LATCHKEY_BUCKET, or the only one)")
    .option("--nats <url>", "NATS server, or several separated by commas (default: NATS_URL)")
    .option("--creds <path>", "NATS credentials file (default: NATS_CREDS)")
    .option("--inbox-prefix <subject>", "prefix of the reply subjects (default: NATS_INBOX_PREFIX)")
    .option("--domain <name>", "JetStream domain of the bucket (default: NATS_DOMAIN)")
    .option("--api-prefix <subject>", "prefix of the JetStream API, instead of --domain (default: NATS_API_PREFIX)");
}
