import type { EventRef, TraceEvent, TraceType } from "./trace-event.ts";

/** A dispatch that was begun more often than this deserves a look. */
export const MANY_ATTEMPTS = 3;

/**
 * What deserves a look: a lease that ended while its handler ran, or with nobody renewing it; a dispatch that may have run
 * twice, may run again, or ran without protection; an event tried again and again; a store out of reach.
 */
export type Concern =
  | "expired"
  | "lapsed"
  | "superseded"
  | "unconfirmed"
  | "unprotected"
  | "retried"
  | "store-unavailable";

/** Something that deserves a look. */
export interface Notice {
  readonly concern: Concern;
  readonly identity: EventRef;
  readonly replica: string;
  readonly attempt: number;
  readonly cause: string;
  /** When it happened last. */
  readonly atMs: number;
  /** How often it happened. */
  readonly times: number;
  /** Whether the event was dispatched and committed since. */
  readonly settled: boolean;
}

/** The latest notices, one for each concern and event; a store out of reach is one for each replica. */
export class Attention implements Iterable<Notice> {
  readonly #most: number;
  readonly #notices = new Map<string, Notice>();
  readonly #byKey = new Map<string, Set<string>>();
  #version = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** Latest last. */
  [Symbol.iterator](): IterableIterator<Notice> {
    return this.#notices.values();
  }

  take(step: TraceEvent): void {
    const concern = concernOf(step);
    if (concern !== undefined) this.#add(concern, step);
    else if (step.type === "committed" || step.type === "duplicate") this.#settle(step.identity.storeKey);
  }

  #add(concern: Concern, step: TraceEvent): void {
    const { identity, replica, attempt, cause, atMs } = step;
    const { storeKey } = identity;
    const id = `${concern} ${concern === "store-unavailable" ? replica : storeKey}`;
    const times = (this.#notices.get(id)?.times ?? 0) + 1;
    this.#remove(id);
    this.#notices.set(id, { concern, identity, replica, attempt, cause, atMs, times, settled: false });
    const ids = this.#byKey.get(storeKey);
    if (ids === undefined) this.#byKey.set(storeKey, new Set([id]));
    else ids.add(id);
    if (this.#notices.size > this.#most) this.#dropOldest();
    this.#version += 1;
  }

  /** What may have run twice stays so. */
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
