import type { TransitionId } from "../../trace/lifecycle.ts";

type Counts = Readonly<Record<TransitionId, number>>;

interface Reading {
  readonly counts: Counts;
  readonly atMs: number;
}

/** A rate is that of so long. */
const WINDOW_MS = 5_000;

/** How often each transition was taken, how often it is taken at present, and which were taken just now. */
export class Rates {
  #readings: Reading[] = [];
  #latest: Reading | undefined;
  #lit: ReadonlyMap<TransitionId, number> = new Map();

  take(counts: Counts, atMs: number): void {
    const before = this.#latest;
    this.#latest = { counts, atMs };
    this.#readings.push(this.#latest);
    if (before === undefined) return;
    const risen = Object.entries(counts).filter(([id, count]) => count > (before.counts[id] ?? 0));
    this.#lit = new Map([...this.#lit, ...risen]);
  }

  clear(): void {
    this.#readings = [];
    this.#latest = undefined;
    this.#lit = new Map();
  }

  total(transition: TransitionId): number {
    return this.#latest?.counts[transition] ?? 0;
  }

  /** Changes each time that the transition is seen to have been taken; 0 before. */
  lastLit(transition: TransitionId): number {
    return this.#lit.get(transition) ?? 0;
  }

  /** How often a second it was taken lately. */
  perSecond(transition: TransitionId, nowMs: number): number {
    while (this.#readings.length > 1 && (this.#readings[1]?.atMs ?? nowMs) <= nowMs - WINDOW_MS) this.#readings.shift();
    const base = this.#readings[0];
    if (base === undefined) return 0;
    const passedMs = Math.min(WINDOW_MS, nowMs - base.atMs);
    const times = this.total(transition) - (base.counts[transition] ?? 0);
    return passedMs < 500 ? 0 : (times * 1_000) / passedMs;
  }
}
