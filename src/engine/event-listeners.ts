import type { Clock } from "../internal/clock.ts";
import { Listeners } from "../internal/listeners.ts";
import type { DedupEvent, DedupEventDetail, DedupEventFields } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";

/** The subscribers to a deduplicator's events. */
export class EventListeners extends Listeners<DedupEvent> {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  /** Assembles an event for the listeners. Callers check {@link isEmpty} first. */
  report(
    identity: ResolvedIdentity,
    detail: DedupEventDetail,
    owner: string,
    { attempt, fence, revision }: Pick<DedupEventFields, "attempt" | "fence" | "revision">,
    durationMs: number,
  ): void {
    const atMs = this.#clock.wallMs();
    // The detail comes last: members added after a spread are slow (docs/performance.md).
    this.call({ identity, owner, attempt, fence, revision, atMs, durationMs, ...detail });
  }
}
