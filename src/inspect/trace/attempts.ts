import { BoxedMap } from "../../internal/boxed-map.ts";
import { type LeaseClock, suspicionOf } from "../conclusions/suspicion.ts";
import {
  type AttemptPhase,
  attemptFrom,
  attemptId,
  type Mutable,
  remainingLeaseMs,
  type TracedAttempt,
} from "./attempt.ts";
import { RingIndex } from "./ring-index.ts";
import type { TraceEvent } from "./trace-event.ts";

/** Attempts that began or changed since a version, and the ids of those that ended. */
export interface AttemptChanges {
  readonly set: readonly TracedAttempt[];
  readonly gone: readonly string[];
}

/** The attempts in flight, updated with every event. Above the limit, the oldest are dropped. */
export class TracedAttempts implements Iterable<TracedAttempt> {
  readonly #inFlight = new BoxedMap<string, Mutable<TracedAttempt>>();
  readonly #limit: number;
  /** Counts the changes. */
  #version = 0;
  /** The latest version that any reader has seen. An attempt that begins and ends after it is never reported. */
  #reportedVersion = 0;
  /** Ring of the ended attempts that a reader may have seen, with the version in which each ended. */
  readonly #ended: RingIndex;
  readonly #endedIds: string[] = [];
  readonly #endedAt: Float64Array;
  /** The latest version whose end was overwritten in the ring. */
  #forgottenVersion = 0;
  /** Number of attempts that do not hold their key. Usually 0, which saves a lookup for every event. */
  #unheld = 0;

  /** @param remembered number of ended attempts that stay known to readers. */
  constructor(limit: number, remembered: number) {
    this.#limit = limit;
    this.#ended = new RingIndex(remembered);
    this.#endedAt = new Float64Array(remembered);
  }

  get size(): number {
    return this.#inFlight.size;
  }

  /** The number of the latest change. */
  get version(): number {
    return this.#version;
  }

  get(id: string): TracedAttempt | undefined {
    return this.#inFlight.get(id);
  }

  /** Iterates oldest first, and follows changes during the iteration. */
  [Symbol.iterator](): IterableIterator<TracedAttempt> {
    return this.#inFlight.values();
  }

  /** Returns the attempt to which an event belongs: that of its replica at its key. */
  of({ identity: { storeKey }, replica }: TraceEvent): Mutable<TracedAttempt> | undefined {
    const holder = this.#inFlight.get(storeKey);
    if (holder?.owner === replica) return holder;
    return this.#unheld === 0 ? undefined : this.#inFlight.get(attemptId(storeKey, replica, "lost"));
  }

  /** Returns all attempts for a new reader. Changes after `version` follow from {@link changesSince}. */
  snapshot(): { readonly version: number; readonly attempts: Iterable<TracedAttempt> } {
    this.#reportedVersion = this.#version;
    return { version: this.#version, attempts: this.#until(this.#version) };
  }

  /** Returns the changes since a version, or `undefined` if some of them are forgotten. */
  changesSince(version: number): AttemptChanges | undefined {
    if (version < this.#forgottenVersion || version > this.#version) return undefined;
    this.#reportedVersion = this.#version;
    const set = [...this].filter((attempt) => attempt.changed > version);
    const gone = new Set<string>();
    for (const slot of this.#ended.backwards()) {
      if ((this.#endedAt[slot] ?? 0) <= version) break;
      const id = this.#endedIds[slot] ?? "";
      if (this.#inFlight.get(id) === undefined) gone.add(id);
    }
    return { set, gone: [...gone] };
  }

  /** Returns the holders whose lease ended more than `skewMs` ago without a renewal. */
  lapsed(nowMs: number, skewMs: number): readonly TracedAttempt[] {
    return [...this].filter((attempt) => attempt.hold === "held" && remainingLeaseMs(attempt, nowMs) + skewMs <= 0);
  }

  /** Updates the suspicion of every holder. Returns the attempts whose suspicion changed. */
  assess(now: LeaseClock): readonly TracedAttempt[] {
    const changed: TracedAttempt[] = [];
    for (const attempt of this.#inFlight.values()) {
      const suspicion = attempt.hold === "held" ? suspicionOf(attempt, now) : undefined;
      if (suspicion === attempt.suspicion) continue;
      attempt.suspicion = suspicion;
      this.#markChanged(attempt);
      changed.push(attempt);
    }
    return changed;
  }

  /** @param own the result of {@link of} for the event. */
  take(event: TraceEvent, own: Mutable<TracedAttempt> | undefined): void {
    switch (event.type) {
      case "reserved":
        this.#begin(attemptFrom(event, "held"));
        return;
      case "unprotected":
        this.#begin(attemptFrom(event, "never"));
        return;
      case "renewed":
        this.#renew(event, own);
        return;
      case "dispatched":
        this.#enter("committing", own);
        return;
      case "failed":
        this.#enter("releasing", own);
        return;
      case "expired":
        this.#lose(event, own);
        return;
      case "committed":
      case "superseded":
      case "unconfirmed":
      case "released":
      case "crashed":
        this.#end(own);
        return;
      case "acknowledged":
      case "nak":
        this.#endUnheld(own);
        return;
      case "lapsed":
      case "cleared":
        this.#end(this.#inFlight.get(event.identity.storeKey));
        return;
      case "duplicate":
      case "pending":
      case "store-unavailable":
      case "result-not-kept":
      case "delivered":
      case "began":
      case "frozen":
      case "fault":
        return;
    }
  }

  /** Omits attempts that begin during the iteration: {@link changesSince} reports them. */
  *#until(version: number): Generator<TracedAttempt, void> {
    for (const attempt of this.#inFlight.values()) if (attempt.began <= version) yield attempt;
  }

  #begin(attempt: Mutable<TracedAttempt>): Mutable<TracedAttempt> {
    this.#end(this.#inFlight.get(attempt.id));
    this.#markChanged(attempt);
    attempt.began = attempt.changed;
    this.#inFlight.set(attempt.id, attempt);
    if (attempt.hold !== "held") this.#unheld += 1;
    if (this.#inFlight.size > this.#limit) {
      const [oldest] = this.#inFlight.values();
      this.#end(oldest);
    }
    return attempt;
  }

  #end(attempt: Mutable<TracedAttempt> | undefined): void {
    if (attempt === undefined) return;
    this.#inFlight.delete(attempt.id);
    if (attempt.hold !== "held") this.#unheld -= 1;
    this.#markChanged(attempt);
    if (attempt.began > this.#reportedVersion) return;
    const slot = this.#ended.next();
    this.#forgottenVersion = Math.max(this.#forgottenVersion, this.#endedAt[slot] ?? 0);
    this.#endedIds[slot] = attempt.id;
    this.#endedAt[slot] = attempt.changed;
  }

  #markChanged(attempt: Mutable<TracedAttempt>): void {
    this.#version += 1;
    attempt.changed = this.#version;
  }

  /** The answer to a delivery ends an attempt without a key. A holder's attempt ends with its write to the store. */
  #endUnheld(own: Mutable<TracedAttempt> | undefined): void {
    if (own?.hold !== "held") this.#end(own);
  }

  /** Begins an attempt whose reservation was not seen, or that was dropped. */
  #renew(event: TraceEvent, own: Mutable<TracedAttempt> | undefined): void {
    const attempt = own ?? this.#begin({ ...attemptFrom(event, "held"), beganAtMs: event.atMs - event.durationMs });
    attempt.revision = event.revision;
    attempt.leaseFromMs = event.atMs;
    attempt.leaseMs = event.forMs;
    attempt.renewals += 1;
    this.#markChanged(attempt);
  }

  #enter(phase: AttemptPhase, own: Mutable<TracedAttempt> | undefined): void {
    if (own === undefined) return;
    own.phase = phase;
    this.#markChanged(own);
  }

  #lose(event: TraceEvent, own: Mutable<TracedAttempt> | undefined): void {
    const attempt = own ?? attemptFrom(event, "lost");
    if (attempt.hold === "never") return;
    this.#end(this.#inFlight.get(attempt.id));
    this.#begin({ ...attempt, id: attemptId(attempt.identity.storeKey, attempt.owner, "lost"), hold: "lost" });
  }
}
