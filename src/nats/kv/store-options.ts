import type { NatsConnection } from "@nats-io/nats-core";
import { LONGEST_TIMER_MS } from "../../internal/clock.ts";
import { callable, expected, objectWith, oneOf, text, wholeNumber } from "../../internal/validate.ts";
import { MIN_TTL_MS } from "../../options.ts";
import { domainPrefix, OWN_API } from "../wire/bucket-address.ts";

/** Bucket of a `natsStore`. An existing bucket must match every setting given here. The defaults apply to new buckets. */
export interface NatsStoreOptions {
  /** Name of letters, digits, `-` and `_`. The bucket is created if it does not exist and the connection may create it. */
  readonly bucket: string;
  /** Number of servers that store the bucket, from 1 to 5. @default the bucket's; for a new one 3 in a cluster, 1 otherwise */
  readonly replicas?: number;
  /** Storage of the bucket. @default the bucket's; "file" for a new one */
  readonly storage?: "file" | "memory";
  /**
   * Maximum window and lease that the bucket keeps, in milliseconds, at least 1,000.
   * @default the bucket's; 604_800_000 (7 days) for a new one
   */
  readonly maxWindowMs?: number;
  /** Maximum size of each bucket, in bytes. A full bucket refuses writes. @default the bucket's; no limit for a new one */
  readonly maxBytes?: number;
  /**
   * Number of buckets that share the keys, from 1 to 64. Each has a leader of its own. They are named `<bucket>-1-of-<shards>`
   * and so on, or `<bucket>` for one shard. Every replica must use the same number; `latchkey reshard` changes it. @default 1
   */
  readonly shards?: number;
  /**
   * Time limit of one request, in milliseconds, from 1 to 2,147,483,647. A write has a quarter of its lease if that is less. A read during a
   * dispatch has half of what is left of the lease. @default 5_000
   */
  readonly timeoutMs?: number;
  /** JetStream domain of the bucket, if it is not that of the connection's server: replicas at leaf nodes share a bucket of the hub. */
  readonly domain?: string;
  /** Prefix of the JetStream API's subjects, if the account imports it under another name. Not together with `domain`. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** Receives what an operator should know about the bucket, at the start and while it is used. */
  readonly onWarning?: (warning: StoreWarning) => void;
}

/** Something that an operator should know about a bucket. */
export interface StoreWarning {
  /** Name of the bucket, or of the shard. */
  readonly bucket: string;
  /**
   * - `one-replica`: the bucket was created with one replica, because the server is not clustered.
   * - `refused`: the settings changed while the bucket was in use, and keys can no longer be claimed.
   * - `differs`: the settings changed and differ from the options. Keys can be claimed.
   * - `restored`: the settings are right again.
   */
  readonly warning: "one-replica" | "refused" | "differs" | "restored";
  /** Sentence with the reason. */
  readonly message: string;
}

export interface ResolvedNatsStoreOptions {
  readonly bucket: string;
  readonly replicas: number | undefined;
  readonly storage: "file" | "memory" | undefined;
  readonly maxWindowMs: number | undefined;
  readonly maxBytes: number | undefined;
  readonly shards: number;
  readonly timeoutMs: number;
  readonly apiPrefix: string;
  readonly onWarning: (warning: StoreWarning) => void;
}

/** The NATS client's default for JetStream requests. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** Number of servers that store a new bucket in a cluster. */
export const CLUSTER_REPLICAS = 3;
export const MAX_REPLICAS = 5;
export const MAX_SHARDS = 64;
/** A hundred years. The server counts nanoseconds, which end at 292 years. */
export const MAX_WINDOW_MS = 100 * 365 * 86_400_000;

/** @throws {TypeError | RangeError} that names the wrong argument. */
export function resolveNatsStoreOptions(
  connection: NatsConnection,
  options: NatsStoreOptions,
): ResolvedNatsStoreOptions {
  objectWith("connection", connection, "request", "requestMany");
  objectWith("options", options);
  const { bucket, replicas, storage, maxWindowMs, maxBytes, shards = 1 } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, onWarning } = options;
  if (onWarning !== undefined) callable("onWarning", onWarning);
  if (typeof bucket !== "string" || !/^[\w-]+$/.test(bucket)) {
    throw new TypeError(expected("bucket", "a name of letters, digits, `-` and `_`", bucket));
  }
  return {
    bucket,
    replicas: replicas === undefined ? undefined : wholeNumber("replicas", replicas, 1, MAX_REPLICAS),
    storage: storage === undefined ? undefined : oneOf("storage", storage, ["file", "memory"]),
    maxWindowMs:
      maxWindowMs === undefined ? undefined : wholeNumber("maxWindowMs", maxWindowMs, MIN_TTL_MS, MAX_WINDOW_MS),
    maxBytes: maxBytes === undefined ? undefined : wholeNumber("maxBytes", maxBytes, 1),
    shards: wholeNumber("shards", shards, 1, MAX_SHARDS),
    timeoutMs: wholeNumber("timeoutMs", timeoutMs, 1, LONGEST_TIMER_MS),
    apiPrefix: resolveApiPrefix(options),
    onWarning: onWarning === undefined ? () => {} : onWarning,
  };
}

/** Returns the prefix of a domain or an import. @throws {TypeError} that names the wrong argument. */
export function resolveApiPrefix({ domain, apiPrefix }: Pick<NatsStoreOptions, "domain" | "apiPrefix">): string {
  if (domain !== undefined) {
    if (apiPrefix !== undefined) throw new TypeError(expected("apiPrefix", "absent if `domain` is given", apiPrefix));
    if (!/^[^\s.*>]+$/.test(text("domain", domain))) {
      throw new TypeError(expected("domain", "a name without spaces, dots and wildcards", domain));
    }
    return domainPrefix(domain);
  }
  if (apiPrefix === undefined) return OWN_API;
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(text("apiPrefix", apiPrefix))) {
    throw new TypeError(expected("apiPrefix", "a subject without wildcards", apiPrefix));
  }
  return apiPrefix;
}
