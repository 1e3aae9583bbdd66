import { Deduplicator } from "../../deduplicator.ts";
import { optionsFromEnv } from "../../env.ts";
import type { Store } from "../../model/store.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import { DEFAULT_LEASE_MS, DEFAULT_SKEW_MS, DEFAULT_WINDOW_MS, type DeduplicatorOptions } from "../../options.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import type { Nats } from "../connection/nats.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import type { RunPlan } from "./plan.ts";

/** Maximum number of keys in memory: about 1 GB, so that the run fails before the machine does. */
const MAX_KEYS = 5_000_000;

/** Closes the deduplicator when the run ends. After an abort, it waits only for the releases of keys, which have a time limit. */
export function closeAtEnd(dedup: Pick<Deduplicator, "close">, isAborted: () => boolean): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => dedup.close(isAborted() ? { drainMs: 0 } : {}) };
}

/**
 * Opens the deduplicator of a run, with a NATS bucket or in memory.
 * @throws {CommandError} for an invalid lease, window, bucket or environment variable.
 * @throws {LatchkeyError} `store-misconfigured`, `store-unavailable`.
 */
export async function openDeduplicator(plan: RunPlan, nats: Nats | undefined, io: CliIo): Promise<Deduplicator> {
  const { leaseMs, windowMs, bucket, replicas } = plan;
  const fromEnv = asCommandError(() => optionsFromEnv(io.env));
  const store: Store =
    bucket === undefined || nats === undefined
      ? memoryStore({ maxKeys: MAX_KEYS })
      : await nats.openStore(bucket, {
          ...(replicas === undefined ? {} : { replicas }),
          onWarning: ({ message }) => void io.err.write(`latchkey: ${message}\n`),
        });
  const times = {
    ...fromEnv,
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(windowMs === undefined ? {} : { windowMs }),
  };
  checkTimes(times, store.maxWindowMs, bucket ?? "");
  return asCommandError(() => new Deduplicator({ ...times, store }));
}

/** @throws {CommandError} if the bucket does not keep records as long as the run needs. */
function checkTimes(
  { windowMs = DEFAULT_WINDOW_MS, leaseMs = DEFAULT_LEASE_MS, skewMs = DEFAULT_SKEW_MS }: Partial<DeduplicatorOptions>,
  maxWindowMs: number | undefined,
  bucket: string,
): void {
  const needed = [
    { of: "window", ms: windowMs, set: "--window or TRIGGER_DEDUP_TTL_SECONDS" },
    { of: "lease, with its skew,", ms: leaseMs + skewMs, set: "--lease or LATCHKEY_LEASE_SECONDS" },
  ];
  for (const { of, ms, set } of needed) {
    if (maxWindowMs === undefined || ms <= maxWindowMs) continue;
    throw new CommandError(
      `The ${of} is ${ms / 1_000} s, but bucket ${printable(bucket)} keeps records for ${maxWindowMs / 1_000} s. Give a shorter one ` +
        `with ${set}, or raise \`max_age\` of the stream ${bucketStream(bucket)}`,
    );
  }
}
