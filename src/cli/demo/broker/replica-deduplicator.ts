import { Deduplicator } from "../../../deduplicator.ts";
import type { Clock } from "../../../internal/clock.ts";
import type { Store } from "../../../model/store.ts";
import { killableClock, killableStore } from "../replicas/kill-switch.ts";
import { LEASE_MS, type ReplicaOptions, SKEW_MS } from "./backend.ts";

/** Creates the deduplicator of a replica, whose store and clock stop when the replica is killed. */
export function replicaDeduplicator(options: ReplicaOptions, store: Store, clock: Clock): Deduplicator {
  const { name, killSwitch } = options;
  const dedup = new Deduplicator({
    store: killableStore(store, killSwitch),
    clock: killableClock(clock, killSwitch),
    owner: name,
    leaseMs: LEASE_MS,
    skewMs: SKEW_MS,
  });
  options.onDeduplicator(dedup);
  return dedup;
}
