import { BoxedMap } from "../../internal/boxed-map.ts";
import { type Attempt, attemptFrom, type Changeable, idOf, leaseLeftMs, type Phase } from "./attempt.ts";
import { RingIndex } from "./ring-index.ts";
import type { TraceEvent } from "./trace-event.ts";

/** What changed since a moment: flights that began or changed, and the ids of those that are over. */
export interface AttemptChanges {
  readonly set: readonly Attempt[];
  readonly gone: readonly string[];
}

/** What is in flight, kept up with every step. Of more than `most`, the oldest are let go. */
export class Attempts implements Iterable<Attempt> {
  readonly #held = new BoxedMap<string, Changeable<Attempt>>();
  readonly #most: number;
  /** Numbers the changes. */
  #version = 0;
  /** The latest change that somebody was told of. What begins and ends after it, nobody will ever have heard of. */
  #toldVersion = 0;
  /** The flights that are over and that somebody may have heard of, and which change ended each. */
  readonly #places: RingIndex;
  readonly #endedIds: string[] = [];
  readonly #endedAt: Float64Array;
  #forgottenVersion = 0;
  /** How many there are that do not hold their key: mostly none, which saves looking for them. */
  #unheld = 0;

  /** @param kept how many flights that are over are remembered, for those who heard of them. */
  constructor(most: number, kept: number) {
    this.#most = most;
    this.#places = new RingIndex(kept);
    this.#endedAt = new Float64Array(kept);
  }

  get size(): number {
    return this.#held.size;
  }

  /** The number of the latest change. */
  get version(): number {
    return this.#version;
  }

  get(id: string): Attempt | undefined {
    return this.#held.get(id);
  }

  /** Oldest first. What is removed while this is read is left out, what is added is given. */
  [Symbol.iterator](): IterableIterator<Attempt> {
    return this.#held.values();
  }

  /** The flight of the replica on which the step happened: the key's holder, or one that lost it or never had it. */
  of({ identity: { storeKey }, replica }: TraceEvent): Changeable<Attempt> | undefined {
    const holder = this.#held.get(storeKey);
    if (holder?.owner === replica) return holder;
    return this.#unheld === 0 ? undefined : this.#held.get(idOf(storeKey, replica, "lost"));
  }

  /** What stands: to be told, with what changes after the version of this moment, to somebody who begins anew. */
  standing(): { readonly version: number; readonly flights: Iterable<Attempt> } {
    this.#toldVersion = this.#version;
    return { version: this.#version, flights: this.#until(this.#version) };
  }

  /** What changed after change number `version`, which somebody was told; `undefined` when that is too long ago. */
  changesSince(version: number): AttemptChanges | undefined {
    if (version < this.#forgottenVersion || version > this.#version) return undefined;
    this.#toldVersion = this.#version;
    const set = [...this].filter((flight) => flight.changed > version);
    const gone = new Set<string>();
    for (const place of this.#places.backwards()) {
      if ((this.#endedAt[place] ?? 0) <= version) break;
      const id = this.#endedIds[place] ?? "";
      if (this.#held.get(id) === undefined) gone.add(id);
    }
    return { set, gone: [...gone] };
  }

  /** The holders whose lease, and `skewMs` more, has ended with nobody renewing it. */
  overdue(nowMs: number, skewMs: number): readonly Attempt[] {
    return [...this].filter((flight) => flight.hold === "held" && leaseLeftMs(flight, nowMs) + skewMs <= 0);
  }

  /** @param own what {@link of} says of the step. */
  take(step: TraceEvent, own: Changeable<Attempt> | undefined): void {
    switch (step.type) {
      case "reserved":
        this.#begin(attemptFrom(step, "held"));
        return;
      case "unprotected":
        this.#begin(attemptFrom(step, "never"));
        return;
      case "renewed":
        this.#renew(step, own);
        return;
      case "dispatched":
        this.#enter("committing", own);
        return;
      case "failed":
        this.#enter("releasing", own);
        return;
      case "expired":
        this.#lose(step, own);
        return;
      case "committed":
      case "superseded":
      case "unconfirmed":
      case "released":
      case "crashed":
        this.#end(own);
        return;
      case "acknowledged":
      case "put-back":
        this.#endUnheld(own);
        return;
      case "lapsed":
      case "cleared":
        this.#end(this.#held.get(step.identity.storeKey));
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

  /** What began after change number `version` is left out, however long this is read: it is told with the changes since. */
  *#until(version: number): Generator<Attempt, void> {
    for (const flight of this.#held.values()) if (flight.began <= version) yield flight;
  }

  #begin(flight: Changeable<Attempt>): Changeable<Attempt> {
    this.#end(this.#held.get(flight.id));
    this.#note(flight);
    flight.began = flight.changed;
    this.#held.set(flight.id, flight);
    if (flight.hold !== "held") this.#unheld += 1;
    if (this.#held.size > this.#most) {
      const [oldest] = this.#held.values();
      this.#end(oldest);
    }
    return flight;
  }

  #end(flight: Changeable<Attempt> | undefined): void {
    if (flight === undefined) return;
    this.#held.delete(flight.id);
    if (flight.hold !== "held") this.#unheld -= 1;
    this.#note(flight);
    if (flight.began > this.#toldVersion) return;
    const place = this.#places.next();
    this.#forgottenVersion = Math.max(this.#forgottenVersion, this.#endedAt[place] ?? 0);
    this.#endedIds[place] = flight.id;
    this.#endedAt[place] = flight.changed;
  }

  #note(flight: Changeable<Attempt>): void {
    this.#version += 1;
    flight.changed = this.#version;
  }

  /** Who has answered the delivery is done; what it may still hold in the store is another matter. */
  #endUnheld(own: Changeable<Attempt> | undefined): void {
    if (own?.hold !== "held") this.#end(own);
  }

  /** One that is not known is taken up here: its beginning was not seen, or it was given up. */
  #renew(step: TraceEvent, own: Changeable<Attempt> | undefined): void {
    const flight = own ?? this.#begin(attemptFrom(step, "held"));
    flight.revision = step.revision;
    flight.leaseFromMs = step.atMs;
    flight.leaseMs = step.forMs;
    flight.renewals += 1;
    this.#note(flight);
  }

  #enter(phase: Phase, own: Changeable<Attempt> | undefined): void {
    if (own === undefined) return;
    own.phase = phase;
    this.#note(own);
  }

  #lose(step: TraceEvent, own: Changeable<Attempt> | undefined): void {
    const flight = own ?? attemptFrom(step, "lost");
    if (flight.hold === "never") return;
    this.#end(this.#held.get(flight.id));
    this.#begin({ ...flight, id: idOf(flight.identity.storeKey, flight.owner, "lost"), hold: "lost" });
  }
}
