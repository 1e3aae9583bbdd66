import { Engine, type EngineDecision } from "./engine/engine.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./engine/engine-options.ts";
import { runHandler } from "./engine/running-handlers.ts";
import { hasCode, LatchkeyError } from "./errors.ts";
import { callable, objectWith, oneOf, wholeNumber } from "./internal/validate.ts";
import type { CommitReport, Decision, Duplicate, Outcome, Pending, Reservation } from "./model/decision.ts";
import type { DedupKey } from "./model/dedup-key.ts";
import type { DedupEvent } from "./model/event.ts";
import { type Identity, type KeyFilter, resolveIdentity, type StoreKey, storeKeyPattern } from "./model/identity.ts";
import type { Measurement } from "./model/measurement.ts";
import type { Entry, Revision } from "./model/store.ts";
import { type DeduplicatorOptions, type ReserveOptions, resolveOptions, resolveReserveOptions } from "./options.ts";
import { type RemovingStore, removeUnchanged } from "./stores/remove-unchanged.ts";
import { ValidatedStore } from "./stores/validated-store.ts";

/** Dispatches one event, while it holds the reservation. */
export type Handler<Value> = (reservation: Reservation) => Value | PromiseLike<Value>;

/** Selects the keys that `clear` removes. An absent member matches every key. */
export interface ClearFilter extends KeyFilter {
  /** Keys in this state only. */
  readonly state?: "reserved" | "committed";
  /** Matches only this revision of a key: the one that was inspected, and no newer one. */
  readonly revision?: Revision;
  /** Milliseconds since 1970, by the committer's wall clock; matches committed keys only. */
  readonly committedBefore?: number;
  /** Milliseconds since 1970, by the committer's wall clock; matches committed keys only. */
  readonly committedAfter?: number;
}

/** Time that `close` waits for running dispatches, in milliseconds. */
const DEFAULT_DRAIN_MS = 10_000;

/**
 * Dispatches each event once, no matter how often it is delivered. It reserves the event's key, runs the dispatch and commits the
 * key. If the dispatch fails, it releases the key.
 */
export class Deduplicator implements AsyncDisposable {
  readonly #options: ResolvedOptions;
  readonly #reserveOptions: ResolvedReserveOptions;
  readonly #engine: Engine;
  readonly #store: ValidatedStore;

  /** @throws {TypeError | RangeError} that names the option that is wrong. */
  constructor(options: DeduplicatorOptions) {
    this.#options = resolveOptions(options);
    this.#reserveOptions = resolveReserveOptions({}, this.#options);
    this.#store = new ValidatedStore(this.#options.store);
    this.#engine = new Engine(this.#options, this.#store);
  }

  /** Name of this replica in records and events. */
  get owner(): string {
    return this.#options.owner;
  }

  /** Default time for which a committed key suppresses duplicates, in milliseconds. */
  get windowMs(): number {
    return this.#options.windowMs;
  }

  /** Default time that a reservation lasts without renewal, in milliseconds. */
  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  /** Time that the store keeps a reservation beyond its lease, in milliseconds. */
  get skewMs(): number {
    return this.#options.skewMs;
  }

  /** Number of keys of this replica between their reservation and their commit or release. */
  get inFlight(): number {
    return this.#engine.inFlight;
  }

  /**
   * Reserves the event's key, or returns why it cannot. An `unseen` decision is a reservation: commit or release it.
   * @throws {TypeError | RangeError} for a wrong argument.
   * @throws {StoreUnavailableError} if the store cannot decide. A reservation that it stored anyway ends with its lease.
   * @throws {FingerprintMismatchError} if the event was committed before with another fingerprint.
   * @throws {PermanentError} if the event failed for good before, with `onPermanentError: "remember"`.
   * @throws {RecordUnreadableError} if the key does not hold a Latchkey record, or holds the record of another event.
   */
  async reserve(identity: Identity, options?: ReserveOptions): Promise<Decision> {
    return this.#reserve(identity, options);
  }

  /**
   * Runs `handler` if the event is unseen. Commits the key when the handler returns, and releases it when the handler throws.
   * @throws the handler's error, unchanged, and the errors of {@link reserve}.
   */
  guard<Value>(identity: Identity, handler: Handler<Value>, options?: ReserveOptions): Promise<Outcome<Value>> {
    // Not an async function, whose frame costs a duplicate from the cache as much as the rest of its answer.
    try {
      callable("handler", handler);
      const decision = this.#reserve(identity, options);
      if (decision instanceof Promise) return this.#dispatch(decision, identity, handler, options);
      return Promise.resolve(rejected(decision));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #dispatch<Value>(
    reserved: Promise<EngineDecision>,
    identity: Identity,
    handler: Handler<Value>,
    options: ReserveOptions | undefined,
  ): Promise<Outcome<Value>> {
    let decision = await reserved;
    while (decision.decision === "unseen" && !decision.mayBegin()) {
      await decision.release();
      decision = await this.#reserve(identity, options);
    }
    if (decision.decision !== "unseen") return rejected(decision);
    let value: Value;
    try {
      value = await runHandler(decision, handler);
    } catch (error) {
      const isFinal = this.#options.onPermanentError === "remember" && hasCode(error, "permanent");
      await (isFinal ? decision.commitFailure(error) : decision.fail(error));
      throw error;
    }
    return dispatched(decision.key, value, await decision.commit(value));
  }

  /**
   * Returns the store's entry for the event, possibly slightly stale. Its `endsAtMs` is the end of the window, or of the reservation.
   * @throws {TypeError} for a wrong identity. @throws {StoreUnavailableError} @throws {RecordUnreadableError}
   */
  async peek(identity: Identity): Promise<Entry | undefined> {
    const resolved = resolveIdentity(identity);
    return this.#store.get(resolved.storeKey, resolved);
  }

  /**
   * Returns the entries of the matching keys. @throws {TypeError} for a wrong filter.
   * @throws {LatchkeyError} `unsupported` if the store cannot list.
   * @throws {RecordUnreadableError} after the last entry, for the first record that is unreadable or belongs to another event.
   */
  list(filter: KeyFilter = {}): AsyncIterable<Entry> {
    return this.#list(filter, "key");
  }

  /**
   * Removes the matching keys, so that their events are unseen again. Returns how many keys it removed.
   *
   * A key that changes during the call stays. A key that holds the record of another event is removed. The promise resolves once no
   * replica remembers a removed commit, which takes two seconds with a NATS bucket. If a reservation is removed, its holder's signal
   * aborts at the next renewal.
   * @throws {TypeError | RangeError} for a wrong filter. @throws {StoreUnavailableError}
   * @throws {RecordUnreadableError} after the readable keys are removed, for a key that does not hold a Latchkey record.
   * @throws {LatchkeyError} `unsupported` if the store cannot remove, or cannot list and the filter names no single event.
   */
  async clear(filter: ClearFilter): Promise<number> {
    const matches = clearMatcher(filter);
    this.#checkRemovable();
    const candidates = this.#candidates(filter);
    const matching: Pick<Entry, "key" | "revision">[] = [];
    let cleared = 0;
    try {
      for await (const entry of candidates) {
        if (matches(entry)) matching.push({ key: entry.key, revision: entry.revision });
      }
    } finally {
      // Also after an unreadable record, which the list reports at its end.
      cleared = (await removeUnchanged(this.#removable, matching)).length;
    }
    return cleared;
  }

  /**
   * Removes keys as {@link list} returned them, and leaves those that have changed since. Returns the entries that it removed. Like
   * {@link clear}, it resolves once no replica remembers a removed commit, but only once for all of them.
   * @throws {StoreUnavailableError}
   * @throws {LatchkeyError} `unsupported` if the store cannot remove.
   */
  async clearListed(entries: readonly Entry[]): Promise<readonly Entry[]> {
    this.#checkRemovable();
    return removeUnchanged(this.#removable, entries);
  }

  /**
   * Calls `listener` with every event of this replica, in order, until the returned function is called. An error of a listener
   * becomes an uncaught exception of the process, and changes nothing here.
   */
  subscribe(listener: (event: DedupEvent) => void): () => void {
    callable("listener", listener);
    return this.#engine.subscribe(listener);
  }

  /**
   * Calls `listener` with every operation of this replica, its outcome and its durations, until the returned function is called.
   * For metrics: it costs a fraction of {@link subscribe}. An error of a listener becomes an uncaught exception of the process.
   */
  measure(listener: (measurement: Measurement) => void): () => void {
    callable("listener", listener);
    return this.#engine.measure(listener);
  }

  /**
   * Accepts no new events and waits up to `drainMs` for running dispatches. Then it aborts the rest and releases their keys, so that
   * other replicas continue at once. It waits 5 seconds at most for these releases and for commits in flight, which go on afterwards
   * if the store does not answer. The store stays open, because it may be shared.
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#engine.close(wholeNumber("drainMs", options.drainMs ?? DEFAULT_DRAIN_MS, 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws synchronously for a wrong argument, and if the answer is known and is an error. */
  #reserve(
    identity: Identity,
    options: ReserveOptions | undefined,
  ): Exclude<Decision, Reservation> | Promise<EngineDecision> {
    const how = options === undefined ? this.#reserveOptions : resolveReserveOptions(options, this.#options);
    return this.#engine.reserve(resolveIdentity(identity), how);
  }

  /** @throws synchronously for a wrong filter, and if it needs a list that the store does not support. */
  #candidates(filter: ClearFilter): AsyncIterable<Entry> {
    const { subscriptionId, eventId, workspaceId } = filter;
    if (subscriptionId === undefined || eventId === undefined || workspaceId === undefined) {
      return this.#list(filter, "any");
    }
    return this.#underKey(resolveIdentity({ workspaceId, subscriptionId, eventId }).storeKey);
  }

  async *#underKey(key: StoreKey): AsyncIterable<Entry> {
    const entry = await this.#store.get(key, "any");
    if (entry !== undefined) yield entry;
  }

  get #removable(): RemovingStore {
    const store = this.#store;
    return { remove: (key, how) => store.remove(key, how, "any"), invalidation: store.invalidation };
  }

  #checkRemovable(): void {
    if (this.#options.store.remove !== undefined) return;
    throw new LatchkeyError("unsupported", "This store cannot remove keys: they end with their window");
  }

  #list(filter: KeyFilter, whose: "key" | "any"): AsyncIterable<Entry> {
    storeKeyPattern(filter);
    const entries = this.#store.list(filter, whose);
    if (entries === undefined)
      throw new LatchkeyError("unsupported", "This store cannot list its keys. Use a store that implements `list`");
    return entries;
  }
}

/** Returns the outcome for an event that was not dispatched. */
function rejected(decision: Duplicate | Pending): Exclude<Outcome<never>, { readonly outcome: "dispatched" }> {
  if (decision.decision === "pending") {
    const { key, owner, retryAfterMs } = decision;
    return { outcome: "pending", key, owner, retryAfterMs };
  }
  const { key, committedAt, windowEndsAtMs, result } = decision;
  const value = result === undefined ? {} : { value: result };
  return windowEndsAtMs === undefined
    ? { outcome: "duplicate", key, committedAt, ...value }
    : { outcome: "duplicate", key, committedAt, windowEndsAtMs, ...value };
}

function dispatched<Value>(key: DedupKey, value: Value, { commit, resultError }: CommitReport): Outcome<Value> {
  return resultError === undefined
    ? { outcome: "dispatched", key, value, commit }
    : { outcome: "dispatched", key, value, commit, resultError };
}

function clearMatcher(filter: ClearFilter): (entry: Entry) => boolean {
  objectWith("filter", filter);
  const {
    state,
    revision,
    committedBefore = Number.POSITIVE_INFINITY,
    committedAfter = Number.NEGATIVE_INFINITY,
  } = filter;
  if (state !== undefined) oneOf("state", state, ["reserved", "committed"]);
  if (revision !== undefined) wholeNumber("revision", revision, 1);
  if (filter.committedBefore !== undefined) wholeNumber("committedBefore", committedBefore, 0);
  if (filter.committedAfter !== undefined) wholeNumber("committedAfter", committedAfter, 0);
  const byTime = filter.committedBefore !== undefined || filter.committedAfter !== undefined;
  return ({ record, revision: found }) =>
    (state === undefined || record.state === state) &&
    (revision === undefined || found === revision) &&
    (!byTime || (record.state === "committed" && record.atMs < committedBefore && record.atMs > committedAfter));
}
