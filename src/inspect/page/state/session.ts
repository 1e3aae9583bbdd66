import type { Message, Overview, ShownAttempt, SourceInfo } from "../../server/wire.ts";
import type { Notice } from "../../trace/attention.ts";
import { stateOf } from "../../trace/lifecycle.ts";
import type { TraceEvent, TraceType } from "../../trace/trace-event.ts";
import { Rates } from "./rates.ts";

const STEPS_SHOWN = 200;
const POINTS_KEPT = 600;

/** What the page knows: kept up with every message of a feed, live or recorded. */
export class Session {
  /** `undefined` before the first message. */
  source: SourceInfo | undefined;
  nowMs = 0;
  totals: Readonly<Partial<Record<TraceType, number>>> = {};
  /** Why the store cannot be watched at the moment; empty when it can. */
  trouble = "";
  /** Latest last. */
  notices: readonly Notice[] = [];
  /** The latest steps, oldest first. */
  steps: readonly TraceEvent[] = [];
  /** Whether everything that was in flight at the beginning has been told. */
  isComplete = false;
  readonly rates = new Rates();
  readonly #flights = new Map<string, ShownAttempt>();
  readonly #inState = new Map<string, number>();
  readonly #points = new Map<number, readonly number[]>();
  #changed: ReadonlySet<string> = new Set();
  #flightsVersion = 0;

  take(message: Message): void {
    if (message.type === "begin") {
      this.#beginAnew(message.source);
      this.#takeOverview(message.overview);
      return;
    }
    const { overview, flights, gone, more } = message;
    for (const id of gone) this.#remove(id);
    for (const flight of flights) {
      this.#remove(flight.id);
      this.#flights.set(flight.id, flight);
      this.#countIn(flight, 1);
    }
    if (gone.length + flights.length > 0) this.#flightsVersion += 1;
    const stepKeys = overview?.steps.map(({ identity }) => identity.storeKey) ?? [];
    this.#changed = new Set([...stepKeys, ...flights.map(({ identity }) => identity.storeKey), ...gone]);
    this.isComplete ||= !more;
    if (overview !== undefined) this.#takeOverview(overview);
  }

  get flights(): ReadonlyMap<string, ShownAttempt> {
    return this.#flights;
  }

  /** Rises with every change of what is in flight. */
  get flightsVersion(): number {
    return this.#flightsVersion;
  }

  /** How many flights are in each state of the machine, by its path; a state around others counts those inside. */
  countIn(state: string): number {
    let sum = 0;
    for (const [id, flights] of this.#inState) if (id === state || id.startsWith(`${state}.`)) sum += flights;
    return sum;
  }

  /** Whether the last message said anything of the key. */
  hasChanged(storeKey: string): boolean {
    return this.#changed.has(storeKey);
  }

  /** The counts of the stretch that begins at `fromMs`; `undefined` when nothing happened in it. */
  pointAt(fromMs: number): readonly number[] | undefined {
    return this.#points.get(fromMs);
  }

  /** Where the first point begins; `undefined` when there is none. */
  get firstPointMs(): number | undefined {
    return this.#points.keys().next().value;
  }

  #beginAnew(source: SourceInfo): void {
    this.source = source;
    this.isComplete = false;
    this.steps = [];
    this.notices = [];
    this.#flights.clear();
    this.#inState.clear();
    this.#points.clear();
    this.rates.clear();
    this.#flightsVersion += 1;
  }

  #takeOverview({ nowMs, totals, transitions, points, steps, notices, trouble }: Overview): void {
    this.nowMs = nowMs;
    this.totals = totals;
    this.trouble = trouble;
    this.rates.take(transitions, nowMs);
    for (const { fromMs, counts } of points) this.#points.set(fromMs, counts);
    while (this.#points.size > POINTS_KEPT) {
      const first = this.firstPointMs;
      if (first !== undefined) this.#points.delete(first);
    }
    this.steps = [...this.steps, ...steps].slice(-STEPS_SHOWN);
    if (notices !== undefined) this.notices = notices;
  }

  #remove(id: string): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    this.#flights.delete(id);
    this.#countIn(flight, -1);
  }

  #countIn(flight: ShownAttempt, by: 1 | -1): void {
    const state = stateOf(flight);
    this.#inState.set(state, (this.#inState.get(state) ?? 0) + by);
  }
}
