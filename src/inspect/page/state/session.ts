import type { FeedMessage, Overview, ShownAttempt, SourceInfo, StoreHealth } from "../../server/wire.ts";
import { statePathOf } from "../../trace/lifecycle.ts";
import type { Notice } from "../../trace/notice-log.ts";
import type { TraceEvent, TraceType } from "../../trace/trace-event.ts";
import { Rates } from "./rates.ts";

const TRACE_LIMIT = 200;
const POINTS_LIMIT = 600;

/** Everything the page knows, updated with every message of a live or recorded feed. */
export class Session {
  /** `undefined` before the first message. */
  source: SourceInfo | undefined;
  nowMs = 0;
  totals: Readonly<Partial<Record<TraceType, number>>> = {};
  store: StoreHealth = { state: "available" };
  /** Notices, latest last. */
  notices: readonly Notice[] = [];
  /** The latest events, oldest first. */
  trace: readonly TraceEvent[] = [];
  /** True if all attempts in flight have been received. */
  isComplete = false;
  readonly rates = new Rates();
  readonly #attempts = new Map<string, ShownAttempt>();
  readonly #inState = new Map<string, number>();
  readonly #points = new Map<number, readonly number[]>();
  #changed: ReadonlySet<string> = new Set();
  #attemptsVersion = 0;

  take(message: FeedMessage): void {
    if (message.type === "begin") {
      this.#reset(message.source);
      this.#takeOverview(message.overview);
      return;
    }
    const { overview, attempts, gone, more } = message;
    for (const id of gone) this.#remove(id);
    for (const attempt of attempts) {
      this.#remove(attempt.id);
      this.#attempts.set(attempt.id, attempt);
      this.#countIn(attempt, 1);
    }
    if (gone.length + attempts.length > 0) this.#attemptsVersion += 1;
    const traceKeys = overview?.trace.map(({ identity }) => identity.storeKey) ?? [];
    this.#changed = new Set([...traceKeys, ...attempts.map(({ identity }) => identity.storeKey), ...gone]);
    this.isComplete ||= !more;
    if (overview !== undefined) this.#takeOverview(overview);
  }

  get attempts(): ReadonlyMap<string, ShownAttempt> {
    return this.#attempts;
  }

  /** Rises with every change of the attempts in flight. */
  get attemptsVersion(): number {
    return this.#attemptsVersion;
  }

  /** Returns the number of attempts in a state of the machine, nested states included. */
  countIn(state: string): number {
    let sum = 0;
    for (const [id, attempts] of this.#inState) if (id === state || id.startsWith(`${state}.`)) sum += attempts;
    return sum;
  }

  /** Returns true if the last message mentioned the key. */
  hasChanged(storeKey: string): boolean {
    return this.#changed.has(storeKey);
  }

  /** Returns the counts of the bucket that begins at `fromMs`, or `undefined` for an empty bucket. */
  pointAt(fromMs: number): readonly number[] | undefined {
    return this.#points.get(fromMs);
  }

  /** Start of the first point, or `undefined` without points. */
  get firstPointMs(): number | undefined {
    return this.#points.keys().next().value;
  }

  #reset(source: SourceInfo): void {
    this.source = source;
    this.isComplete = false;
    this.trace = [];
    this.notices = [];
    this.#attempts.clear();
    this.#inState.clear();
    this.#points.clear();
    this.rates.clear();
    this.#attemptsVersion += 1;
  }

  #takeOverview({ nowMs, totals, transitions, points, trace, notices, store }: Overview): void {
    this.nowMs = nowMs;
    this.totals = totals;
    this.store = store;
    this.rates.take(transitions, nowMs);
    for (const { fromMs, counts } of points) this.#points.set(fromMs, counts);
    while (this.#points.size > POINTS_LIMIT) {
      const first = this.firstPointMs;
      if (first !== undefined) this.#points.delete(first);
    }
    this.trace = [...this.trace, ...trace].slice(-TRACE_LIMIT);
    if (notices !== undefined) this.notices = notices;
  }

  #remove(id: string): void {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return;
    this.#attempts.delete(id);
    this.#countIn(attempt, -1);
  }

  #countIn(attempt: ShownAttempt, by: 1 | -1): void {
    const state = statePathOf(attempt);
    this.#inState.set(state, (this.#inState.get(state) ?? 0) + by);
  }
}
