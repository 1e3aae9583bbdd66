import { Deduplicator } from "../../deduplicator.ts";
import { optionsFromEnv } from "../../env.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import type { Nats } from "../connection/nats.ts";
import { asCommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import type { RunPlan } from "./plan.ts";

/** Maximum number of keys in memory: about 1 GB, so that the run fails before the machine does. */
const MAX_KEYS = 5_000_000;

/**
 * Opens the deduplicator of a run, with a NATS bucket or in memory.
 * @throws {CommandError} for an invalid lease, window, bucket or environment variable.
 * @throws {LatchkeyError} `store-misconfigured`, `store-unavailable`.
 */
export async function openDeduplicator(plan: RunPlan, nats: Nats | undefined, io: CliIo): Promise<Deduplicator> {
  const { leaseMs, windowMs, bucket, replicas } = plan;
  const fromEnv = asCommandError(() => optionsFromEnv(io.env));
  const store =
    bucket === undefined || nats === undefined
      ? memoryStore({ maxKeys: MAX_KEYS })
      : await nats.openStore(bucket, {
          ...(replicas === undefined ? {} : { replicas }),
          onWarning: ({ message }) => void io.err.write(`latchkey: ${message}\n`),
        });
  return asCommandError(
    () =>
      new Deduplicator({
        ...fromEnv,
        ...(leaseMs === undefined ? {} : { leaseMs }),
        ...(windowMs === undefined ? {} : { windowMs }),
        store,
      }),
  );
}
