import type { NatsConnection } from "@nats-io/nats-core";
import { expected, objectWith, oneOf, wholeNumber } from "../../internal/validate.ts";
import { MIN_TTL_MS } from "../../options.ts";

/** Which bucket a `natsStore` uses. What is given must be what the bucket has; the defaults are for creating one. */
export interface NatsStoreOptions {
  /** Letters, digits, `-` and `_`. The bucket is created if it does not exist and the connection may do so. */
  readonly bucket: string;
  /** How many servers hold the bucket, from 1 to 5. @default what the bucket has; 3 for a new one in a cluster, 1 on a single server */
  readonly replicas?: number;
  /** @default what the bucket has; "file" for a new one */
  readonly storage?: "file" | "memory";
  /**
   * The longest window, and the longest lease, that the bucket keeps, in milliseconds, at least 1,000.
   * @default what the bucket has; 604_800_000 (7 days) for a new one
   */
  readonly maxWindowMs?: number;
  /** How large a bucket may grow, each by itself; one that is full refuses writes. @default what the bucket has; no limit for a new one */
  readonly maxBytes?: number;
  /**
   * How many buckets share the keys, from 1 to 64; each is led by a server of its own. They are named `<bucket>-1-of-<shards>`
   * and so on, and `<bucket>` when there is one. All replicas must say the same. @default 1
   */
  readonly shards?: number;
  /**
   * How many there were before, while `shards` is being changed: see "Changing the number of shards" in `docs/operations.md`.
   * @default undefined: nothing moves
   */
  readonly formerShards?: number;
  /** How long one request waits for its answer, in milliseconds, at least 1. @default 5_000 */
  readonly timeoutMs?: number;
}

export interface ResolvedNatsStoreOptions {
  readonly bucket: string;
  readonly replicas: number | undefined;
  readonly storage: "file" | "memory" | undefined;
  readonly maxWindowMs: number | undefined;
  readonly maxBytes: number | undefined;
  readonly shards: number;
  readonly formerShards: number | undefined;
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_REPLICAS = 5;
export const MAX_SHARDS = 64;
/** A hundred years; the server counts in nanoseconds and ends at 292 years. */
export const MAX_WINDOW_MS = 100 * 365 * 86_400_000;

/** @throws {TypeError | RangeError} that names the argument that is wrong. */
export function resolveNatsStoreOptions(
  connection: NatsConnection,
  options: NatsStoreOptions,
): ResolvedNatsStoreOptions {
  objectWith("connection", connection, "request", "requestMany");
  objectWith("options", options);
  const { bucket, replicas, storage, maxWindowMs, maxBytes, shards = 1, formerShards } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
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
    formerShards: formerShards === undefined ? undefined : otherShards(formerShards, shards),
    timeoutMs: wholeNumber("timeoutMs", timeoutMs, 1),
  };
}

function otherShards(formerShards: unknown, shards: number): number {
  const former = wholeNumber("formerShards", formerShards, 1, MAX_SHARDS);
  if (former === shards) throw new RangeError(expected("formerShards", "another number than `shards`", former));
  return former;
}
