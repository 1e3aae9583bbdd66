import { Listeners } from "../internal/listeners.ts";
import { TimerQueue } from "../internal/timer-queue.ts";
import type { Measurement } from "../model/measurement.ts";
import { ActorSystem } from "../statechart/actor-system.ts";
import type { ValidatedStore } from "../stores/validated-store.ts";
import { ClearEpoch } from "./clear-epoch.ts";
import { CommitCache } from "./commit-cache.ts";
import type { ResolvedOptions } from "./engine-options.ts";
import { EventListeners } from "./event-listeners.ts";
import { FinishedDispatches } from "./finished-dispatches.ts";
import { ObservedLeases } from "./observed-leases.ts";

/** Dependencies that all attempts of one deduplicator share. */
export class EngineContext {
  readonly options: ResolvedOptions;
  readonly store: ValidatedStore;
  readonly timers: TimerQueue;
  readonly clears: ClearEpoch;
  readonly commits: CommitCache;
  readonly finished = new FinishedDispatches();
  readonly leases: ObservedLeases;
  readonly listeners: EventListeners;
  readonly meters = new Listeners<Measurement>();
  readonly actors: ActorSystem;

  constructor(options: ResolvedOptions, store: ValidatedStore) {
    this.options = options;
    this.store = store;
    this.timers = new TimerQueue(options.clock);
    this.clears = new ClearEpoch(store.invalidation);
    this.commits = new CommitCache(options, this.clears);
    this.leases = new ObservedLeases(options.skewMs);
    this.listeners = new EventListeners(options.clock);
    this.actors = new ActorSystem(options.inspect);
  }

  get nowMs(): number {
    return this.options.clock.monotonicMs();
  }
}
