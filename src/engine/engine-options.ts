import type { Clock } from "../internal/clock.ts";
import type { Store } from "../model/store.ts";
import type { Inspection } from "../statechart/inspection.ts";

/** The options of a deduplicator, checked, with every default applied. */
export interface ResolvedOptions {
  readonly store: Store;
  readonly windowMs: number;
  readonly leaseMs: number;
  readonly skewMs: number;
  readonly owner: string;
  readonly renew: boolean;
  readonly keepResults: boolean;
  readonly keepErrorMessages: boolean;
  readonly onStoreUnavailable: "refuse" | "dispatch";
  readonly onPermanentError: "release" | "remember";
  readonly cacheSize: number;
  readonly inspect: Inspection | undefined;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** The options of one call, checked, with every default applied. */
export interface ResolvedReserveOptions {
  readonly windowMs: number;
  readonly leaseMs: number;
  readonly fingerprint: string | undefined;
  readonly onPending: "return" | "wait";
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly keepResult: boolean;
  readonly attempt: number;
}
