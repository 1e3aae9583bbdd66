import { callListener } from "../internal/call-listener.ts";
import type { Clock } from "../internal/clock.ts";
import type { DedupEvent, DedupEventDetail, DedupEventFields } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";

/** Who hears of every step. */
export class EventListeners {
  readonly #clock: Clock;
  readonly #listeners = new Set<(step: DedupEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is anybody: without, nothing need be put together. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` with every step until the returned function is called. */
  add(listener: (step: DedupEvent) => void): () => void {
    // One function may be subscribed by several, each of whom leaves alone.
    const once = (step: DedupEvent): void => listener(step);
    this.#listeners.add(once);
    return () => {
      this.#listeners.delete(once);
    };
  }

  /** What a listener throws is an uncaught exception of the process, and changes nothing here. */
  report(
    identity: ResolvedIdentity,
    detail: DedupEventDetail,
    owner: string,
    { attempt, fence, revision }: Pick<DedupEventFields, "attempt" | "fence" | "revision">,
    durationMs: number,
  ): void {
    if (!this.isHeard) return;
    const atMs = this.#clock.wallMs();
    // The detail comes last: spread before what all steps have, it costs V8 a hundred times as much.
    const step: DedupEvent = { identity, owner, attempt, fence, revision, atMs, durationMs, ...detail };
    for (const listener of this.#listeners) callListener(listener, step);
  }
}
