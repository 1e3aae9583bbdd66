import { evidenceOf, type LeaseClock, MANY_ATTEMPTS, SUSPICIONS, type Suspicion } from "../conclusions/suspicion.ts";
import type { TracedAttempt } from "./attempt.ts";
import type { KeyedIdentity, TraceEvent, TraceType } from "./trace-event.ts";

/** Why an event or the store needs attention. */
export type Concern =
  | Suspicion
  | "failing"
  | "expired"
  | "lapsed"
  | "superseded"
  | "unconfirmed"
  | "unprotected"
  | "unreadable"
  | "store-unavailable";

/** A concern about one event, or about the store. */
export interface Notice {
  readonly concern: Concern;
  readonly identity: KeyedIdentity;
  readonly replica: string;
  readonly attempt: number;
  readonly cause: string;
  /** Time of the latest occurrence. */
  readonly atMs: number;
  /** Number of occurrences. */
  readonly times: number;
  /** True if the event was committed after the latest occurrence. */
  readonly resolved: boolean;
}

/** The latest notices: one for each concern and event, and one for each replica that cannot reach the store. */
export class NoticeLog implements Iterable<Notice> {
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
    const concern = this.#concernOf(event);
    // A lapse replaces the suspicion that the holder may be gone.
    if (event.type === "lapsed") this.#remove(`silent ${event.identity.storeKey}`);
    if (concern === "failing") this.#remove(`retried ${event.identity.storeKey}`);
    if (concern !== undefined) this.#add(concern, event);
    if (event.type === "released" || event.type === "cleared") this.#endSuspicions(event.identity.storeKey);
    else if (event.type === "committed" || event.type === "duplicate") this.#resolve(event.identity.storeKey);
  }

  /** Adds a notice for the attempt's current suspicion, and resolves those for earlier ones. */
  suspect({ identity, owner, attempt, suspicion, ...times }: TracedAttempt, now: LeaseClock): void {
    this.#endSuspicions(identity.storeKey, suspicion);
    // The reservation itself adds the notice for many attempts.
    if (suspicion === undefined || suspicion === "retried") return;
    const cause = evidenceOf(suspicion, { attempt, ...times }, now);
    this.#add(suspicion, { identity, replica: owner, attempt, cause, atMs: now.nowMs });
  }

  /** Adds a notice for a record that is not Latchkey's. The error names its key. */
  reportUnreadable(cause: string, atMs: number): void {
    if (this.#notices.get(`unreadable ${cause}`)?.resolved === false) return;
    const identity = { storeKey: cause, workspaceId: "", subscriptionId: "", eventId: "" };
    this.#add("unreadable", { identity, replica: "", attempt: 0, cause, atMs });
  }

  /** Settles all notices about unreadable records, after a complete listing without one. */
  resolveUnreadable(): void {
    for (const [id, notice] of this.#notices) if (notice.concern === "unreadable") this.#resolveOne(id, notice);
  }

  /** A failing event is one concern, whether its attempts are counted or not. */
  #concernOf(event: TraceEvent): Concern | undefined {
    const concern = concernOf(event);
    return concern === "retried" && this.#notices.has(`failing ${event.identity.storeKey}`) ? undefined : concern;
  }

  #add(concern: Concern, occurrence: Omit<Notice, "concern" | "times" | "resolved">): void {
    const { identity, replica, attempt, cause, atMs } = occurrence;
    const { storeKey } = identity;
    const id = `${concern} ${concern === "store-unavailable" ? replica : storeKey}`;
    const times = (this.#notices.get(id)?.times ?? 0) + 1;
    this.#remove(id);
    this.#notices.set(id, { concern, identity, replica, attempt, cause, atMs, times, resolved: false });
    const ids = this.#byKey.get(storeKey);
    if (ids === undefined) this.#byKey.set(storeKey, new Set([id]));
    else ids.add(id);
    if (this.#notices.size > this.#limit) this.#dropOldest();
    this.#version += 1;
  }

  /** Settles the notices of a key, except those that a commit does not disprove. */
  #resolve(storeKey: string): void {
    for (const id of this.#byKey.get(storeKey) ?? []) {
      const notice = this.#notices.get(id);
      if (notice !== undefined && !LASTING.includes(notice.concern)) this.#resolveOne(id, notice);
    }
  }

  /** Settles the suspicions about a key's holder, except the current one. */
  #endSuspicions(storeKey: string, current?: Suspicion): void {
    for (const suspicion of SUSPICIONS) {
      const id = `${suspicion} ${storeKey}`;
      const notice = this.#notices.get(id);
      if (suspicion !== current && suspicion !== "retried" && notice !== undefined) this.#resolveOne(id, notice);
    }
  }

  #resolveOne(id: string, notice: Notice): void {
    if (notice.resolved) return;
    this.#notices.set(id, { ...notice, resolved: true });
    this.#version += 1;
  }

  /** An outage of the handlers' own dependencies makes many events fail. They must not displace other concerns. */
  #dropOldest(): void {
    const ids = [...this.#notices.keys()];
    const isLessUrgent = ({ resolved, concern }: Notice): boolean => resolved || concern === "failing";
    const [oldest] = [...[...this.#notices].filter(([, notice]) => isLessUrgent(notice)).map(([id]) => id), ...ids];
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
  failed: "failing",
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
