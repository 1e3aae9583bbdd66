import { Deduplicator } from "../../deduplicator.ts";
import { optionsFromEnv } from "../../env.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import type { Nats } from "../connection/nats.ts";
import { usable } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import type { RunPlan } from "./plan.ts";

/** In the memory of one run; about a gigabyte's worth, so that the run fails before the machine does. */
const MAX_KEYS = 5_000_000;

/**
 * The deduplicator of a run: over its bucket, or over the memory of this process.
 * @throws {UnusableError} for a lease, a window, a bucket or a variable that is wrong.
 * @throws {LatchkeyError} `store-misconfigured` for a bucket that cannot keep the guarantees; `store-unavailable`.
 */
export async function openDeduplicator(plan: RunPlan, nats: Nats | undefined, io: CliIo): Promise<Deduplicator> {
  const { leaseMs, windowMs, bucket } = plan;
  const fromEnv = usable(() => optionsFromEnv(io.env));
  const store =
    bucket === undefined || nats === undefined ? memoryStore({ maxKeys: MAX_KEYS }) : await nats.openStore(bucket);
  return usable(
    () =>
      new Deduplicator({
        ...fromEnv,
        ...(leaseMs === undefined ? {} : { leaseMs }),
        ...(windowMs === undefined ? {} : { windowMs }),
        store,
      }),
  );
}
