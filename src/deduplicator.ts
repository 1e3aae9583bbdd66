import { Engine } from "./engine/engine.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./engine/engine-options.ts";
import type { HeldReservation } from "./engine/held-reservation.ts";
import { LatchkeyError } from "./errors.ts";
import { callable, objectWith, oneOf, wholeNumber } from "./internal/validate.ts";
import type { Decision, Outcome, Reservation } from "./model/decision.ts";
import type { DedupEvent } from "./model/event.ts";
import { type Identity, type KeyFilter, resolveIdentity, type StoreKey, storeKeyPattern } from "./model/identity.ts";
import type { Entry, Revision } from "./model/store.ts";
import { type DeduplicatorOptions, type ReserveOptions, resolveOptions, resolveReserveOptions } from "./options.ts";
import { ValidatedStore } from "./stores/validated-store.ts";

/** Dispatches one event, while it holds the reservation. */
export type Handler<Value> = (reservation: Reservation) => Value | PromiseLike<Value>;

/** Which keys `clear` removes; what is missing matches all. */
export interface ClearFilter extends KeyFilter {
  readonly state?: "reserved" | "committed";
  /** Only what was written under this revision: what was looked at, and nothing newer. */
  readonly revision?: Revision;
  /** Milliseconds since 1970, by the committer's wall clock; matches committed keys only. */
  readonly committedBefore?: number;
  /** Milliseconds since 1970, by the committer's wall clock; matches committed keys only. */
  readonly committedAfter?: number;
}

/** How long `close` waits for what runs. */
const DEFAULT_DRAIN_MS = 10_000;

/**
 * Dispatches an event once, however often it is delivered: reserves its key, runs the dispatch, commits the key; or releases it
 * when the dispatch failed.
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

  /** The name of this replica in records and steps. */
  get owner(): string {
    return this.#options.owner;
  }

  /** Time for which a committed key suppresses duplicates, in milliseconds, unless a call sets its own. */
  get windowMs(): number {
    return this.#options.windowMs;
  }

  /** How long a reservation lives without renewal, in milliseconds, where a call does not say otherwise. */
  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  /** How much longer than its lease the store keeps a reservation, in milliseconds. */
  get skewMs(): number {
    return this.#options.skewMs;
  }

  /**
   * Reserves the event's key, or says why not. An `unseen` decision is a reservation: commit or release it.
   * @throws {TypeError | RangeError} for a wrong argument.
   * @throws {StoreUnavailableError} when the store cannot say; nothing is reserved then that does not end by itself.
   * @throws {FingerprintMismatchError} when the event came before with another fingerprint.
   * @throws {RecordUnreadableError} when what stands under the key is not Latchkey's, or is the record of another event.
   */
  async reserve(identity: Identity, options?: ReserveOptions): Promise<Decision> {
    return this.#reserve(identity, options);
  }

  /**
   * Runs `handler` if the event is unseen: commits when it returns, releases when it throws.
   * @throws what `handler` threw, unchanged; and as {@link reserve}.
   */
  async guard<Value>(identity: Identity, handler: Handler<Value>, options?: ReserveOptions): Promise<Outcome<Value>> {
    callable("handler", handler);
    const decision = await this.#reserve(identity, options);
    if (decision.decision === "pending") {
      const { key, owner, retryAfterMs } = decision;
      return { outcome: "pending", key, owner, retryAfterMs };
    }
    if (decision.decision === "duplicate") {
      const { key, result, committedAt } = decision;
      return { outcome: "duplicate", key, committedAt, ...(result === undefined ? {} : { value: result }) };
    }
    if (!decision.mayBegin()) {
      await decision.release();
      return this.guard(identity, handler, options);
    }
    let value: Value;
    try {
      value = await handler(decision);
    } catch (error) {
      await decision.fail(error);
      throw error;
    }
    return { outcome: "dispatched", key: decision.key, value, ...(await decision.commit(value)) };
  }

  /**
   * What the store holds for the event, perhaps a little out of date.
   * @throws {TypeError} for a wrong identity. @throws {StoreUnavailableError} @throws {RecordUnreadableError}
   */
  async peek(identity: Identity): Promise<Entry | undefined> {
    const resolved = resolveIdentity(identity);
    return this.#store.get(resolved.storeKey, resolved);
  }

  /**
   * What the matching keys hold. @throws {TypeError} for a wrong filter.
   * @throws {LatchkeyError} `unsupported` when the store cannot list.
   * @throws {RecordUnreadableError} for the first record that cannot be read or is that of another event, when all others have been given.
   */
  list(filter: KeyFilter = {}): AsyncIterable<Entry> {
    return this.#list(filter, "key");
  }

  /**
   * Removes the matching keys, so that their events are unseen again, and says how many. A key that changes meanwhile stays; one
   * that holds the record of another event goes.
   * Resolves when no replica remembers a commit that was removed; with a bucket of NATS that takes two seconds.
   * A holder whose reservation is removed is told by its signal at its next renewal.
   * @throws {TypeError | RangeError} for a wrong filter. @throws {StoreUnavailableError}
   * @throws {RecordUnreadableError} for what is no record of Latchkey, when all that is one has been removed.
   * @throws {LatchkeyError} `unsupported` when the store cannot remove, or cannot list and the filter names no single event.
   */
  async clear(filter: ClearFilter): Promise<number> {
    const matches = clearMatcher(filter);
    if (this.#options.store.remove === undefined) {
      throw new LatchkeyError("unsupported", "This store cannot remove keys: they end with their window");
    }
    const candidates = this.#candidates(filter);
    let cleared = 0;
    try {
      for await (const entry of candidates) {
        if (!matches(entry)) continue;
        const { key, revision } = entry;
        const removal = await this.#store.remove(key, { expected: revision }, "any");
        if (removal?.ok === true) cleared += 1;
      }
    } finally {
      // Always: an earlier call may have removed keys, and not have got so far.
      await this.#store.invalidation?.invalidate();
    }
    return cleared;
  }

  /**
   * Calls `listener` with every step of this replica, in its order, until the returned function is called. What a listener
   * throws is an uncaught exception of the process, and changes nothing here.
   */
  subscribe(listener: (step: DedupEvent) => void): () => void {
    callable("listener", listener);
    return this.#engine.subscribe(listener);
  }

  /**
   * Takes nothing new, waits `drainMs` for what runs, then aborts the signals of the rest and gives their keys back, so that
   * other replicas go on at once. Commits under way are waited for. The store stays open: it may be shared.
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#engine.close(wholeNumber("drainMs", options.drainMs ?? DEFAULT_DRAIN_MS, 0));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #reserve(
    identity: Identity,
    options: ReserveOptions | undefined,
  ): Promise<Exclude<Decision, Reservation> | HeldReservation> {
    const how = options === undefined ? this.#reserveOptions : resolveReserveOptions(options, this.#options);
    return this.#engine.reserve(resolveIdentity(identity), how);
  }

  /** @throws at once for a wrong filter, and where it takes a list that the store does not have. */
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

  #list(filter: KeyFilter, whose: "key" | "any"): AsyncIterable<Entry> {
    storeKeyPattern(filter);
    const entries = this.#store.list(filter, whose);
    if (entries === undefined) throw new LatchkeyError("unsupported", "This store cannot list its keys");
    return entries;
  }
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
