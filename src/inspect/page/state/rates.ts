import type { TransitionId } from "../../trace/lifecycle.ts";

type Counts = Readonly<Record<TransitionId, number>>;

interface TimedCounts {
  readonly counts: Counts;
  readonly atMs: number;
}

/** Time over which a rate is measured. */
const WINDOW_MS = 5_000;

/** Counts and current rates of the transitions. */
export class Rates {
  #readings: TimedCounts[] = [];
  #latest: TimedCounts | undefined;
  #lit: ReadonlyMap<TransitionId, number> = new Map();

  take(counts: Counts, atMs: number): void {
    const before = this.#latest;
    this.#latest = { counts, atMs };
    this.#readings.push(this.#latest);
    if (before === undefined) return;
    const increased = Object.entries(counts).filter(([id, count]) => count > (before.counts[id] ?? 0));
    this.#lit = new Map([...this.#lit, ...increased]);
  }

  clear(): void {
    this.#readings = [];
    this.#latest = undefined;
    this.#lit = new Map();
  }

  total(transition: TransitionId): number {
    return this.#latest?.counts[transition] ?? 0;
  }

  /** Changes whenever the count rises; 0 before the first time. */
  lastLit(transition: TransitionId): number {
    return this.#lit.get(transition) ?? 0;
  }

  /** Returns the current rate. */
  perSecond(transition: TransitionId, nowMs: number): number {
    const before = this.#readings.findLastIndex(({ atMs }) => atMs <= nowMs - WINDOW_MS);
    this.#readings = this.#readings.slice(Math.max(0, before));
    const [base] = this.#readings;
    if (base === undefined) return 0;
    const passedMs = Math.min(WINDOW_MS, nowMs - base.atMs);
    const times = this.total(transition) - (base.counts[transition] ?? 0);
    return passedMs < 500 ? 0 : (times * 1_000) / passedMs;
  }
}
