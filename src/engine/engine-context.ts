import type { TimerQueue } from "../internal/timer-queue.ts";
import type { ResolvedOptions } from "../options.ts";
import type { ActorSystem } from "../statechart/actor-system.ts";
import type { Attempt } from "./attempt.ts";
import type { CommitCache } from "./commit-cache.ts";
import type { EventListeners } from "./event-listeners.ts";
import type { StoreSide } from "./key-client.ts";

/** What the flights of one deduplicator share. */
export interface EngineContext extends StoreSide {
  readonly options: ResolvedOptions;
  readonly deadlines: TimerQueue;
  readonly commits: CommitCache;
  readonly listeners: EventListeners;
  /** The parent of their actors, if these are inspected. */
  readonly actors: ActorSystem;
  /** The flight's lease has ended: it no longer stands in the way of another one for its key. */
  yieldKey(flight: Attempt): void;
  land(flight: Attempt): void;
}
