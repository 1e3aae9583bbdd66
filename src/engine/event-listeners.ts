import { callListener } from "../internal/call-listener.ts";
import type { Clock } from "../internal/clock.ts";
import type { DedupEvent, DedupEventDetail, DedupEventFields } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";

/** The subscribers to a deduplicator's events. */
export class EventListeners {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: DedupEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Check this before assembling an event. */
  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` with every event until the returned function is called. */
  add(listener: (event: DedupEvent) => void): () => void {
    // A wrapper for each subscription, so that one function can be subscribed several times.
    const subscription = (event: DedupEvent): void => listener(event);
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  /** An error of a listener becomes an uncaught exception, and changes nothing here. */
  report(
    identity: ResolvedIdentity,
    detail: DedupEventDetail,
    owner: string,
    { attempt, fence, revision }: Pick<DedupEventFields, "attempt" | "fence" | "revision">,
    durationMs: number,
  ): void {
    if (!this.hasListeners) return;
    const atMs = this.#clock.wallMs();
    // The detail comes last: members added after a spread are slow (docs/performance.md).
    const event: DedupEvent = { identity, owner, attempt, fence, revision, atMs, durationMs, ...detail };
    for (const listener of this.#listeners) callListener(listener, event);
  }
}
