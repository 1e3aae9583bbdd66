import type { EventRef, TraceEvent, TraceType } from "./trace-event.ts";

/** Number of attempts above which an event needs attention. */
export const MANY_ATTEMPTS = 3;

/** Why an event or the store needs attention. */
export type Concern =
  | "expired"
  | "lapsed"
  | "superseded"
  | "unconfirmed"
  | "unprotected"
  | "retried"
  | "store-unavailable";

/** A concern about one event, or about the store. */
export interface Notice {
  readonly concern: Concern;
  readonly identity: EventRef;
  readonly replica: string;
  readonly attempt: number;
  readonly cause: string;
  /** Time of the latest occurrence. */
  readonly atMs: number;
  /** Number of occurrences. */
  readonly times: number;
  /** Whether the event was committed after the latest occurrence. */
  readonly settled: boolean;
}

/** The latest notices: one for each concern and event, and one for each replica that cannot reach the store. */
export class Attention implements Iterable<Notice> {
  readonly #limit: number;
  readonly #notices = new Map<string, Notice>();
  readonly #byKey = new Map<string, Set<string>>();
  #version = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** Iterates in the order of the latest occurrence. */
  [Symbol.iterator](): IterableIterator<Notice> {
    return this.#notices.values();
  }

  take(event: TraceEvent): void {
    const concern = concernOf(event);
    if (concern !== undefined) this.#add(concern, event);
    else if (event.type === "committed" || event.type === "duplicate") this.#settle(event.identity.storeKey);
  }

  #add(concern: Concern, event: TraceEvent): void {
    const { identity, replica, attempt, cause, atMs } = event;
    const { storeKey } = identity;
    const id = `${concern} ${concern === "store-unavailable" ? replica : storeKey}`;
    const times = (this.#notices.get(id)?.times ?? 0) + 1;
    this.#remove(id);
    this.#notices.set(id, { concern, identity, replica, attempt, cause, atMs, times, settled: false });
    const ids = this.#byKey.get(storeKey);
    if (ids === undefined) this.#byKey.set(storeKey, new Set([id]));
    else ids.add(id);
    if (this.#notices.size > this.#limit) this.#dropOldest();
    this.#version += 1;
  }

  /** Settles the notices of a key, except those that a commit does not disprove. */
  #settle(storeKey: string): void {
    for (const id of this.#byKey.get(storeKey) ?? []) {
      const notice = this.#notices.get(id);
      if (notice === undefined || notice.settled || LASTING.includes(notice.concern)) continue;
      this.#notices.set(id, { ...notice, settled: true });
      this.#version += 1;
    }
  }

  #dropOldest(): void {
    const [oldest] = this.#notices.keys();
    if (oldest !== undefined) this.#remove(oldest);
  }

  #remove(id: string): void {
    const notice = this.#notices.get(id);
    if (notice === undefined) return;
    this.#notices.delete(id);
    const { storeKey } = notice.identity;
    const ids = this.#byKey.get(storeKey);
    ids?.delete(id);
    if (ids?.size === 0) this.#byKey.delete(storeKey);
  }
}

/** An event that may have run twice stays one after its commit. */
const LASTING: readonly Concern[] = ["superseded", "unprotected"];

const concerns: Readonly<Partial<Record<TraceType, Concern>>> = {
  expired: "expired",
  lapsed: "lapsed",
  superseded: "superseded",
  unconfirmed: "unconfirmed",
  unprotected: "unprotected",
  "store-unavailable": "store-unavailable",
};

function concernOf({ type, attempt }: TraceEvent): Concern | undefined {
  return type === "reserved" && attempt > MANY_ATTEMPTS ? "retried" : concerns[type];
}
