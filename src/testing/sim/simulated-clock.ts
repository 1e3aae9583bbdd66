import type { Clock } from "../../internal/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that only moves when it is advanced. */
export class SimulatedClock implements Clock {
  readonly #bootedAtMs: number;
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  /** @param bootedAtMs is the wall-clock time at the start. */
  constructor(bootedAtMs = Date.UTC(2030, 0, 1)) {
    this.#bootedAtMs = bootedAtMs;
  }

  /** Number of armed timers; 0 if no code left one behind. */
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

  /** Moves time forward. Runs the timers that become due, in order and each at its own time, including new ones. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#nowMs = timer.dueMs;
      this.#timers.delete(timer);
      timer.run();
    }
    this.#nowMs = untilMs;
  }

  /** Like {@link advance}, but lets promises settle before the first timer and after each one, as a real event loop does. */
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

/** Resolves after all microtasks that are queued, however long their chains are. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
