import type { Clock } from "../../internal/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is advanced. */
export class SimulatedClock implements Clock {
  readonly #bootedAtMs: number;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** @param bootedAtMs what the wall clock says at the start. */
  constructor(bootedAtMs = Date.UTC(2030, 0, 1)) {
    this.#bootedAtMs = bootedAtMs;
  }

  /** How many timers are armed; 0 when nothing was left behind. */
  get timers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#bootedAtMs + this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves on and runs what falls due, in order and each at its own time, also what is armed on the way. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#nowMs = timer.dueMs;
      this.#timers.delete(timer);
      timer.run();
    }
    this.#nowMs = untilMs;
  }

  /** As {@link advance}, but lets promises settle before the first timer and after each, as a real event loop does. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#nowMs = timer.dueMs;
      this.#timers.delete(timer);
      timer.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

/** After everything that is already due in the microtask queue, however long its chains are. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
