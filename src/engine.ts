import { abortable } from "./abortable.ts";
import type { Airspace } from "./airspace.ts";
import type { Verdict } from "./caller.ts";
import type { CheckedStore } from "./checked-store.ts";
import { sleep } from "./clock.ts";
import { DeadlineQueue } from "./deadline-queue.ts";
import type { Duplicate, Pending } from "./decision.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { closedError, FingerprintMismatchError } from "./errors.ts";
import { Flight } from "./flight.ts";
import type { HeldReservation } from "./held-reservation.ts";
import type { ResolvedIdentity, StoreKey } from "./key.ts";
import { createParent } from "./life.ts";
import { ObservedLeases } from "./observed-leases.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./options.ts";
import type { Step, StepDetail, StepFields } from "./step.ts";
import type { Entry } from "./store.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** All the flights of one deduplicator: one for each key that is worked on here. */
export class Engine implements Airspace {
  readonly options: ResolvedOptions;
  readonly store: CheckedStore;
  readonly deadlines: DeadlineQueue;
  readonly leases: ObservedLeases;
  readonly skewMs: number;
  readonly parent = createParent();
  /** The flight that stands for each key; one whose lease has ended no longer does, though its handler may still run. */
  readonly #byKey = new Map<StoreKey, Flight>();
  readonly #flights = new Set<Flight>();
  readonly #listeners = new Set<(step: Step) => void>();
  readonly #closing = new AbortController();
  #allLanded: Deferred<void> | undefined;

  constructor(options: ResolvedOptions, store: CheckedStore) {
    this.options = options;
    this.store = store;
    this.deadlines = new DeadlineQueue(options.clock);
    this.skewMs = options.skewMs;
    this.leases = new ObservedLeases(options.skewMs);
  }

  async reserve(
    identity: ResolvedIdentity,
    how: ResolvedReserveOptions,
  ): Promise<HeldReservation | Duplicate | Pending> {
    const startedAtMs = this.options.clock.monotonicMs();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      how.signal?.throwIfAborted();
      if (this.#closing.signal.aborted) throw closedError();
      const standing = this.#byKey.get(identity.storeKey);
      const flight = standing ?? this.#launch(identity, how);
      const verdict = await this.#verdictOf(flight, how.signal, standing === undefined);
      if (verdict.found === "unseen" && standing === undefined) return verdict.reservation;
      const decision = this.#answer(flight, verdict, how, startedAtMs, pauseMs === FIRST_PAUSE_MS);
      if (decision.decision === "duplicate" || how.onPending === "return") return decision;
      await this.#pause(flight, Math.min(pauseMs, decision.retryAfterMs), how.signal);
    }
  }

  subscribe(listener: (step: Step) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(drainMs: number): Promise<void> {
    this.#closing.abort(closedError());
    await this.#drained(drainMs);
    await Promise.all([...this.#flights].map((flight) => flight.shutdown()));
  }

  yieldKey(flight: Flight): void {
    const { storeKey } = flight.identity;
    if (this.#byKey.get(storeKey) === flight) this.#byKey.delete(storeKey);
  }

  land(flight: Flight): void {
    this.yieldKey(flight);
    this.#flights.delete(flight);
    if (this.#flights.size === 0) this.#allLanded?.resolve();
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  report(identity: ResolvedIdentity, detail: StepDetail, fields: Omit<StepFields, "identity" | "atMs">): void {
    if (!this.isHeard) return;
    const { owner, attempt, fence, revision, durationMs } = fields;
    const atMs = this.options.clock.wallMs();
    // The detail comes last: spread before what all steps have, it costs V8 a hundred times as much.
    const step: Step = { identity, owner, attempt, fence, revision, atMs, durationMs, ...detail };
    for (const listener of this.#listeners) {
      try {
        listener(step);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #launch(identity: ResolvedIdentity, how: ResolvedReserveOptions): Flight {
    const flight = new Flight(this, identity, how);
    this.#byKey.set(identity.storeKey, flight);
    this.#flights.add(flight);
    flight.begin();
    return flight;
  }

  #verdictOf(flight: Flight, signal: AbortSignal | undefined, isOwn: boolean): Promise<Verdict> {
    const { verdict } = flight.caller;
    if (signal === undefined) return verdict;
    return abortable(verdict, signal).catch((error: unknown) => {
      if (isOwn) flight.abandon();
      throw error;
    });
  }

  /** What a caller is told that got no reservation: of another replica's record, or of the flight that stands here. */
  #answer(
    flight: Flight,
    verdict: Verdict,
    how: ResolvedReserveOptions,
    startedAtMs: number,
    isFirst: boolean,
  ): Duplicate | Pending {
    const { identity } = flight;
    const { key } = identity;
    const { clock, owner } = this.options;
    const entry = verdict.found === "unseen" ? undefined : verdict.entry;
    const before = verdict.found === "unseen" ? flight.how.fingerprint : entry?.record.fingerprint;
    if (before !== undefined && how.fingerprint !== undefined && before !== how.fingerprint) {
      throw new FingerprintMismatchError(key);
    }
    const nowMs = clock.monotonicMs();
    const fields = { ...fieldsOf(entry, owner), durationMs: nowMs - startedAtMs };
    if (verdict.found === "duplicate") {
      const { record } = verdict.entry;
      const result = record.state === "committed" ? structuredClone(record.result) : undefined;
      this.report(identity, { type: "duplicate", committedAt: record.atMs }, fields);
      return { decision: "duplicate", key, committedAt: record.atMs, ...(result === undefined ? {} : { result }) };
    }
    const hereMs = verdict.found === "unseen" ? Math.ceil(flight.leaseLeftMs) : 0;
    const retryAfterMs =
      entry === undefined ? Math.max(LONGEST_PAUSE_MS, hereMs) : this.leases.retryAfterMs(entry, nowMs, clock.wallMs());
    if (isFirst) this.report(identity, { type: "pending", retryAfterMs }, fields);
    return { decision: "pending", key, owner: fields.owner, retryAfterMs };
  }

  /** Waits until it is worth asking again, at the latest when a flight of this process has landed. */
  async #pause(flight: Flight, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const settled = new AbortController();
    const stop = [settled.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    const landed = this.#flights.has(flight) ? flight.caller.ended : new Promise<never>(() => {});
    try {
      await Promise.race([landed, sleep(this.options.clock, delayMs, AbortSignal.any(stop))]);
    } finally {
      settled.abort();
    }
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.#flights.size === 0 || drainMs === 0) return;
    this.#allLanded ??= deferred<void>();
    const timeUp = deferred<void>();
    const cancel = this.options.clock.schedule(drainMs, timeUp.resolve);
    await Promise.race([this.#allLanded.promise, timeUp.promise]);
    cancel();
  }
}

function fieldsOf(entry: Entry | undefined, owner: string): Omit<StepFields, "identity" | "atMs" | "durationMs"> {
  if (entry === undefined) return { owner, attempt: 1, fence: 0, revision: 0 };
  const { record, revision } = entry;
  const fence = record.fence === 0 ? revision : record.fence;
  return { owner: record.owner, attempt: record.attempt, fence, revision };
}
