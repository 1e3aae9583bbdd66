import type { AnyActorRef } from "xstate";
import type { CommitCache } from "./commit-cache.ts";
import type { DeadlineQueue } from "./deadline-queue.ts";
import type { Flight } from "./flight.ts";
import type { ResolvedOptions } from "./options.ts";
import type { StepListeners } from "./step-listeners.ts";
import type { StoreSide } from "./stored-key.ts";

/** What the flights of one deduplicator share. */
export interface Airspace extends StoreSide {
  readonly options: ResolvedOptions;
  readonly deadlines: DeadlineQueue;
  readonly commits: CommitCache;
  readonly listeners: StepListeners;
  /** The parent of their actors, if these are inspected. */
  readonly parent: AnyActorRef | undefined;
  /** The flight's lease has ended: it no longer stands in the way of another one for its key. */
  yieldKey(flight: Flight): void;
  land(flight: Flight): void;
}
