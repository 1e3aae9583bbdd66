import { closedError } from "../errors.ts";
import { abortable } from "../internal/abort.ts";
import { delay } from "../internal/clock.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import { TimerQueue } from "../internal/timer-queue.ts";
import type { Duplicate, Pending } from "../model/decision.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "../options.ts";
import { ActorSystem } from "../statechart/actor-system.ts";
import type { ValidatedStore } from "../stores/validated-store.ts";
import { Attempt } from "./attempt.ts";
import type { ClaimResult } from "./attempt-promises.ts";
import { Attempts } from "./attempts.ts";
import { CommitCache, FRESH_MS } from "./commit-cache.ts";
import type { EngineContext } from "./engine-context.ts";
import { EventListeners } from "./event-listeners.ts";
import type { HeldReservation } from "./held-reservation.ts";
import { ObservedLeases } from "./observed-leases.ts";
import { Rejections, type ReserveCall } from "./rejections.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** All the flights of one deduplicator: one for each key that is worked on here. */
export class Engine implements EngineContext {
  readonly options: ResolvedOptions;
  readonly store: ValidatedStore;
  readonly deadlines: TimerQueue;
  readonly commits: CommitCache;
  readonly leases: ObservedLeases;
  readonly listeners: EventListeners;
  readonly skewMs: number;
  readonly actors: ActorSystem;
  readonly #refusals: Rejections;
  readonly #flights = new Attempts();
  readonly #closing = new AbortController();
  #allLanded: Deferred<void> | undefined;

  constructor(options: ResolvedOptions, store: ValidatedStore) {
    this.options = options;
    this.store = store;
    this.actors = new ActorSystem(options.inspect);
    this.deadlines = new TimerQueue(options.clock);
    this.commits = new CommitCache(options, store.invalidation);
    this.skewMs = options.skewMs;
    this.leases = new ObservedLeases(options.skewMs);
    this.listeners = new EventListeners(options.clock);
    this.#refusals = new Rejections(options, this.leases, this.listeners);
  }

  async reserve(
    identity: ResolvedIdentity,
    how: ResolvedReserveOptions,
  ): Promise<HeldReservation | Duplicate | Pending> {
    const startedAtMs = this.options.clock.monotonicMs();
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      how.signal?.throwIfAborted();
      if (this.#closing.signal.aborted) throw closedError();
      const asked = { identity, how, startedAtMs, isFirst: pauseMs === FIRST_PAUSE_MS };
      const known = this.#known(asked);
      if (known !== undefined) return known;
      const standing = this.#flights.of(identity.storeKey);
      const flight = standing ?? this.#launch(identity, how);
      const verdict = await this.#verdictOf(flight, how.signal, standing === undefined);
      if (verdict.found === "unseen" && standing === undefined) return verdict.reservation;
      // What another call asked for earlier is no answer to this one: the key may have been cleared before it came.
      if (verdict.found === "duplicate" && startedAtMs >= flight.startedAtMs + FRESH_MS) continue;
      const decision = this.#refuse(asked, flight, verdict);
      if (decision.decision === "duplicate" || how.onPending === "return") return decision;
      await this.#pause(flight, Math.min(pauseMs, decision.retryAfterMs), how.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async close(drainMs: number): Promise<void> {
    this.#closing.abort(closedError());
    await this.#drained(drainMs);
    await Promise.all(this.#flights.all().map((flight) => flight.shutdown()));
  }

  yieldKey(flight: Attempt): void {
    this.#flights.yieldKey(flight);
  }

  land(flight: Attempt): void {
    this.#flights.delete(flight);
    if (this.#flights.isEmpty) this.#allLanded?.resolve();
  }

  #launch(identity: ResolvedIdentity, how: ResolvedReserveOptions): Attempt {
    const flight = new Attempt(this, identity, how);
    this.#flights.add(flight);
    flight.begin();
    return flight;
  }

  #verdictOf(flight: Attempt, signal: AbortSignal | undefined, isOwn: boolean): Promise<ClaimResult> {
    const { verdict } = flight.caller;
    if (signal === undefined) return verdict;
    return abortable(verdict, signal).catch((error: unknown) => {
      if (isOwn) flight.abandon();
      throw error;
    });
  }

  /** What can be said without asking the store. Who waits for another's dispatch to end wants to know how it is now. */
  #known(asked: ReserveCall): Duplicate | Pending | undefined {
    const { storeKey } = asked.identity;
    const nowMs = this.options.clock.monotonicMs();
    const commit = this.commits.find(storeKey, nowMs);
    if (commit !== undefined) return this.#refusals.duplicate(asked, commit);
    if (asked.how.onPending === "wait" || this.#flights.of(storeKey) !== undefined) return undefined;
    const entry = this.leases.liveReservation(storeKey, asked.how.attempt, nowMs);
    return entry && this.#refusals.pendingElsewhere(asked, entry);
  }

  #refuse(asked: ReserveCall, flight: Attempt, verdict: ClaimResult): Duplicate | Pending {
    if (verdict.found === "duplicate") return this.#refusals.duplicate(asked, verdict.commit);
    if (verdict.found === "unseen") return this.#refusals.pendingHere(asked, flight);
    return verdict.entry === undefined
      ? this.#refusals.pendingNowhere(asked)
      : this.#refusals.pendingElsewhere(asked, verdict.entry);
  }

  /** Waits until it is worth asking again, or to be told why not: at the latest when a flight of this process has landed. */
  #pause(flight: Attempt, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const landed = this.#flights.has(flight) ? flight.caller.over : undefined;
    return delay(this.options.clock, delayMs, [landed, signal, this.#closing.signal]);
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.#flights.isEmpty || drainMs === 0) return;
    this.#allLanded ??= deferred<void>();
    const timeUp = deferred<void>();
    const cancel = this.options.clock.schedule(drainMs, timeUp.resolve);
    await Promise.race([this.#allLanded.promise, timeUp.promise]);
    cancel();
  }
}
