import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { ResolvedOptions, ResolvedReserveOptions } from "./engine/engine-options.ts";
import { type Clock, systemClock } from "./internal/clock.ts";
import { abortSignal, callable, flag, objectWith, oneOf, text, wholeNumber } from "./internal/validate.ts";
import type { Store } from "./model/store.ts";
import { checkObserver, type InspectionObserver } from "./statechart/inspection.ts";

export const MIN_TTL_MS = 1_000;
export const DEFAULT_WINDOW_MS = 24 * 60 * 60 * 1_000;
export const DEFAULT_LEASE_MS = 30_000;
export const DEFAULT_SKEW_MS = 2_000;
export const DEFAULT_CACHE_SIZE = 16_000;
/** What an LRU cache can take the memory for. */
const MAX_CACHE_SIZE = 10_000_000;

/** How a {@link Deduplicator} works. */
export interface DeduplicatorOptions {
  readonly store: Store;
  /** How long a committed key suppresses duplicates, in milliseconds, at least 1,000. @default 86_400_000 (24 h) */
  readonly windowMs?: number;
  /** How long a reservation lives without renewal, in milliseconds, at least 1,000. @default 30_000 */
  readonly leaseMs?: number;
  /**
   * How much longer than its lease the store keeps a reservation, in milliseconds, for servers whose clocks differ when the
   * leader changes. @default 2_000
   */
  readonly skewMs?: number;
  /** The name of this replica in records and steps. @default host name, process id and a random part */
  readonly owner?: string;
  /** Whether reservations are renewed, every third of the lease, until they are settled. @default true */
  readonly renew?: boolean;
  /** Whether results are kept with the commit, as JSON of at most 64 KiB, and given to duplicates. @default false */
  readonly keepResults?: boolean;
  /**
   * `"refuse"` throws {@link StoreUnavailableError} before the handler runs; `"dispatch"` runs it unprotected: the same event
   * can then run more than once. @default "refuse"
   */
  readonly onStoreUnavailable?: "refuse" | "dispatch";
  /**
   * How many commits are remembered at most, so that their duplicates need not ask the store; 250 B of memory each. 0 for none.
   * @default 16_000
   */
  readonly cacheSize?: number;
  /**
   * Hears what the actors do that work on keys, as XState's inspection events: each is called by its key, and all are children of
   * an idle one, `latchkey`. Without it, nothing of this is put together.
   */
  readonly inspect?: InspectionObserver;
  /** @default the clock of this process */
  readonly clock?: Clock;
  /** Makes the ids of deliveries, and with them the tokens of reservations: never the same twice, on any replica. @default a random part and a count */
  readonly newId?: () => string;
}

/** How one event is handled; what is missing comes from the {@link Deduplicator}. */
export interface ReserveOptions {
  readonly windowMs?: number;
  readonly leaseMs?: number;
  /** A hash of the payload: the same event with another one throws {@link FingerprintMismatchError}. */
  readonly fingerprint?: string;
  /** What to do while somebody else dispatches the event: answer `pending`, or wait until that settles. @default "return" */
  readonly onPending?: "return" | "wait";
  /** Ends the waiting and the asking, with the signal's reason; a dispatch that has begun is not touched by it. */
  readonly signal?: AbortSignal;
  readonly keepResult?: boolean;
  /** How often the transport says that it delivered the event, if it knows; makes `attempt` at least this. @default 1 */
  readonly attempt?: number;
}

/** The choices of `onStoreUnavailable`. */
export const ON_STORE_UNAVAILABLE = ["refuse", "dispatch"] as const;

/** @throws {TypeError | RangeError} that names the first option that is wrong. */
export function resolveOptions(options: DeduplicatorOptions): ResolvedOptions {
  objectWith("options", options);
  const { store, clock = systemClock, newId = idMaker() } = options;
  objectWith("store", store, "put", "get");
  objectWith("clock", clock, "monotonicMs", "wallMs", "schedule");
  callable("newId", newId);
  const { maxWindowMs, invalidation } = store;
  if (invalidation !== undefined) objectWith("store.invalidation", invalidation, "epoch", "invalidate");
  if (maxWindowMs !== undefined) wholeNumber("store.maxWindowMs", maxWindowMs, MIN_TTL_MS);
  const { windowMs = DEFAULT_WINDOW_MS, leaseMs = DEFAULT_LEASE_MS, skewMs = DEFAULT_SKEW_MS } = options;
  const { renew = true, keepResults = false, onStoreUnavailable = "refuse" } = options;
  const { cacheSize = DEFAULT_CACHE_SIZE, inspect } = options;
  const { owner = `${hostname()}/${process.pid}/${newId().slice(0, 8)}` } = options;
  return {
    store,
    clock,
    newId,
    windowMs: wholeNumber("windowMs", windowMs, MIN_TTL_MS, maxWindowMs),
    leaseMs: wholeNumber("leaseMs", leaseMs, MIN_TTL_MS, maxWindowMs),
    skewMs: wholeNumber("skewMs", skewMs, 0, less(maxWindowMs, leaseMs)),
    owner: text("owner", owner),
    cacheSize: wholeNumber("cacheSize", cacheSize, 0, MAX_CACHE_SIZE),
    renew: flag("renew", renew),
    keepResults: flag("keepResults", keepResults),
    onStoreUnavailable: oneOf("onStoreUnavailable", onStoreUnavailable, ON_STORE_UNAVAILABLE),
    inspect: inspect === undefined ? undefined : checkObserver("inspect", inspect),
  };
}

/** @throws {TypeError | RangeError} that names the first option that is wrong. */
export function resolveReserveOptions(options: ReserveOptions, defaults: ResolvedOptions): ResolvedReserveOptions {
  objectWith("options", options);
  const { maxWindowMs } = defaults.store;
  const { windowMs = defaults.windowMs, leaseMs = defaults.leaseMs, attempt = 1, fingerprint } = options;
  const { onPending = "return", signal, keepResult = defaults.keepResults } = options;
  return {
    windowMs: wholeNumber("windowMs", windowMs, MIN_TTL_MS, maxWindowMs),
    leaseMs: wholeNumber("leaseMs", leaseMs, MIN_TTL_MS, less(maxWindowMs, defaults.skewMs)),
    fingerprint: fingerprint === undefined ? undefined : text("fingerprint", fingerprint),
    onPending: oneOf("onPending", onPending, ["return", "wait"]),
    signal: signal === undefined ? undefined : abortSignal("signal", signal),
    keepResult: flag("keepResult", keepResult),
    attempt: wholeNumber("attempt", attempt, 1),
  };
}

/** A random part that no other maker has, and a count: a tenth of the cost of a random id each time. */
function idMaker(): () => string {
  const ours = randomBytes(16).toString("hex");
  let made = 0;
  return () => {
    made += 1;
    return `${ours}.${made}`;
  };
}

/** What remains of `maxWindowMs`, if there is one: the store keeps a reservation for its lease and the skew. */
function less(maxWindowMs: number | undefined, takenMs: number): number | undefined {
  return maxWindowMs === undefined ? undefined : maxWindowMs - takenMs;
}
