import type { dedupKeyMachine } from "../machines/index.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./engine/engine-options.ts";
import { type Clock, systemClock } from "./internal/clock.ts";
import { idMaker } from "./internal/id-maker.ts";
import { replicaName } from "./internal/replica-name.ts";
import { abortSignal, callable, flag, objectWith, oneOf, text, wholeNumber } from "./internal/validate.ts";
import type { Store } from "./model/store.ts";
import { checkInspection, type Inspection } from "./statechart/inspection.ts";

export const MIN_TTL_MS = 1_000;
export const DEFAULT_WINDOW_MS = 24 * 60 * 60 * 1_000;
export const DEFAULT_LEASE_MS = 30_000;
export const DEFAULT_SKEW_MS = 2_000;
/** A timer fires a few milliseconds late: a signal would abort after another replica had the key. */
export const MIN_SKEW_MS = 50;
const DEFAULT_WAIT_MS = 5 * 60 * 1_000;
const DEFAULT_CACHE_SIZE = 16_000;
/** Maximum number of entries for which an LRU cache can allocate memory. */
const MAX_CACHE_SIZE = 10_000_000;

/** Options of a {@link Deduplicator}. */
export interface DeduplicatorOptions {
  /** Store that all replicas share. */
  readonly store: Store;
  /** Time that a committed key suppresses duplicates, in milliseconds, at least 1,000. @default 86_400_000 (24 h) */
  readonly windowMs?: number;
  /** Time that a reservation lasts without renewal, in milliseconds, at least 1,000. @default 30_000 */
  readonly leaseMs?: number;
  /**
   * Time that the store keeps a reservation beyond its lease, in milliseconds. It covers clock differences between servers after a
   * leader change, and timers that fire late: less than 50 counts as 50. @default 2_000
   */
  readonly skewMs?: number;
  /** Name of this replica in records and events. @default host name, process id and a random part; `browser` and a random part in a browser */
  readonly owner?: string;
  /** Renews reservations every third of the lease until they are settled. @default true */
  readonly renew?: boolean;
  /** Stores results with the commit, as JSON of at most 64 KiB, and returns them to duplicates. @default false */
  readonly keepResults?: boolean;
  /**
   * Keeps the message of a handler's error in the store for an hour after its key was released, for operators. Without it, only the
   * error's name and code are kept. Messages are cut and credentials in them replaced, but they may quote a payload. @default false
   */
  readonly keepErrorMessages?: boolean;
  /**
   * `"refuse"` throws {@link StoreUnavailableError} before the handler runs. `"dispatch"` runs the handler unprotected, so the same
   * event can run more than once. @default "refuse"
   */
  readonly onStoreUnavailable?: "refuse" | "dispatch";
  /**
   * Treatment of a key whose handler threw a {@link PermanentError}. `"release"`: the next delivery runs the handler again.
   * `"remember"`: until the window ends, later deliveries throw a `PermanentError` without running it. @default "release"
   */
  readonly onPermanentError?: "release" | "remember";
  /**
   * Maximum number of commits in the cache, which answers duplicates without the store. The half that was used last always stays.
   * Each takes 180 B of memory; 0 disables the cache. @default 16_000
   */
  readonly cacheSize?: number;
  /**
   * Attaches XState's tools: attempts run `machine`, the `dedupKeyMachine` of `latchkey/machines`, in XState's own interpreter, which
   * is slower. `observer` receives the inspection events of every attempt's actor, microsteps included. Each actor is named after its
   * key, and is a child of an idle root actor, `latchkey`.
   */
  readonly inspect?: Inspection<typeof dedupKeyMachine>;
  /** Source of time. @default the clock of this process */
  readonly clock?: Clock;
  /** Makes the ids of attempts, from which tokens are made. It must never return the same id twice, on any replica. @default a random part and a count */
  readonly newId?: () => string;
}

/** Options of one call. An absent option comes from the {@link Deduplicator}. */
export interface ReserveOptions {
  /** Window in milliseconds, at least 1,000. @default the deduplicator's `windowMs` */
  readonly windowMs?: number;
  /** Lease in milliseconds, at least 1,000. @default the deduplicator's `leaseMs` */
  readonly leaseMs?: number;
  /** Hash of the payload. The same event with another fingerprint throws {@link FingerprintMismatchError}. */
  readonly fingerprint?: string;
  /**
   * Behaviour while another holder dispatches the event: return `pending`, or wait until that settles. A handler must not wait for
   * its own event: that throws a {@link LatchkeyError} `deadlock` where the runtime shows it, and otherwise ends after `waitMs`.
   * @default "return"
   */
  readonly onPending?: "return" | "wait";
  /** Maximum time to wait for other holders, in milliseconds. Then the decision is `pending`. @default 300_000 (5 min) */
  readonly waitMs?: number;
  /** Ends waiting and claiming with the signal's reason. It does not affect a running dispatch. */
  readonly signal?: AbortSignal;
  /** True to store the handler's result with the commit. @default the deduplicator's `keepResults` */
  readonly keepResult?: boolean;
  /** Number of deliveries that the transport reports; the reservation's `attempt` is at least this. @default 1 */
  readonly attempt?: number;
}

/** Values of `onStoreUnavailable`. */
export const ON_STORE_UNAVAILABLE = ["refuse", "dispatch"] as const;

/** @throws {TypeError | RangeError} that names the first option that is wrong. */
export function resolveOptions(options: DeduplicatorOptions): ResolvedOptions {
  objectWith("options", options);
  const { store, clock = systemClock, newId = idMaker(clock) } = options;
  objectWith("store", store, "put", "get");
  objectWith("clock", clock, "monotonicMs", "wallMs", "schedule");
  callable("newId", newId);
  const { maxWindowMs, invalidation } = store;
  if (invalidation !== undefined) objectWith("store.invalidation", invalidation, "epoch", "invalidate");
  if (maxWindowMs !== undefined) wholeNumber("store.maxWindowMs", maxWindowMs, MIN_TTL_MS);
  const { windowMs = DEFAULT_WINDOW_MS, leaseMs = DEFAULT_LEASE_MS, skewMs = DEFAULT_SKEW_MS } = options;
  const { renew = true, keepResults = false, onStoreUnavailable = "refuse", onPermanentError = "release" } = options;
  const { cacheSize = DEFAULT_CACHE_SIZE, keepErrorMessages = false, inspect } = options;
  const { owner = replicaName() } = options;
  return {
    store,
    clock,
    newId,
    windowMs: wholeNumber("windowMs", windowMs, MIN_TTL_MS, maxWindowMs),
    leaseMs: wholeNumber("leaseMs", leaseMs, MIN_TTL_MS, maxWindowMs),
    skewMs: Math.max(MIN_SKEW_MS, wholeNumber("skewMs", skewMs, 0, less(maxWindowMs, leaseMs))),
    owner: text("owner", owner),
    cacheSize: wholeNumber("cacheSize", cacheSize, 0, MAX_CACHE_SIZE),
    renew: flag("renew", renew),
    keepResults: flag("keepResults", keepResults),
    keepErrorMessages: flag("keepErrorMessages", keepErrorMessages),
    onStoreUnavailable: oneOf("onStoreUnavailable", onStoreUnavailable, ON_STORE_UNAVAILABLE),
    onPermanentError: oneOf("onPermanentError", onPermanentError, ["release", "remember"]),
    inspect: inspect === undefined ? undefined : checkInspection("inspect", inspect),
  };
}

/** @throws {TypeError | RangeError} that names the first option that is wrong. */
export function resolveReserveOptions(options: ReserveOptions, defaults: ResolvedOptions): ResolvedReserveOptions {
  objectWith("options", options);
  const { maxWindowMs } = defaults.store;
  const { windowMs = defaults.windowMs, leaseMs = defaults.leaseMs, attempt = 1, fingerprint } = options;
  const { onPending = "return", waitMs = DEFAULT_WAIT_MS, signal, keepResult = defaults.keepResults } = options;
  return {
    windowMs: wholeNumber("windowMs", windowMs, MIN_TTL_MS, maxWindowMs),
    leaseMs: wholeNumber("leaseMs", leaseMs, MIN_TTL_MS, less(maxWindowMs, defaults.skewMs)),
    fingerprint: fingerprint === undefined ? undefined : text("fingerprint", fingerprint),
    onPending: oneOf("onPending", onPending, ["return", "wait"]),
    waitMs: wholeNumber("waitMs", waitMs, 0),
    signal: signal === undefined ? undefined : abortSignal("signal", signal),
    keepResult: flag("keepResult", keepResult),
    attempt: wholeNumber("attempt", attempt, 1),
  };
}

/** Subtracts from `maxWindowMs`, if there is one: the store keeps a reservation for its lease and the skew. */
function less(maxWindowMs: number | undefined, takenMs: number): number | undefined {
  return maxWindowMs === undefined ? undefined : maxWindowMs - takenMs;
}
