import type { Deduplicator } from "../../deduplicator.ts";
import { LatchkeyError } from "../../errors.ts";
import { type Clock, systemClock } from "../../internal/clock.ts";
import { callable, expected, flag, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import type { Store } from "../../model/store.ts";
import { DEFAULT_SKEW_MS } from "../../options.ts";
import { isLoopback } from "./hosts.ts";
import { dedupKeyAdmin, type KeyAdmin, storeKeyAdmin } from "./key-admin.ts";
import type { Redact } from "./redaction.ts";

/** Options of an inspector. At least one of `dedup` and `store` is required. */
export interface InspectorOptions {
  /** Deduplicator whose events are shown. More can be attached later. */
  readonly dedup?: Deduplicator;
  /**
   * Store whose records are watched, which shows all replicas that share it. It must support `list` and `watch`. An attached
   * deduplicator is shown by its own events instead.
   */
  readonly store?: Store;
  /** TCP port. @default 0, which picks a free port */
  readonly port?: number;
  /** Address or host name to listen on. Any address but loopback requires a `token`. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * Secret that a page needs to change keys and, unless the host is loopback, to see anything. At least 16 letters, digits, `-` or
   * `_`. @default a random token
   */
  readonly token?: string;
  /** Forbids releasing and clearing keys. @default false */
  readonly readOnly?: boolean;
  /** Replaces ids and error texts before they are shown. @default none */
  readonly redact?: Redact;
  /** Name of the process or bucket, shown in the header. @default the deduplicator's owner */
  readonly name?: string;
  /** Time source. @default the clock of this process */
  readonly clock?: Clock;
}

export interface ResolvedInspectorOptions {
  readonly dedup: Deduplicator | undefined;
  readonly store: WatchedStore | undefined;
  readonly keyAdmin: KeyAdmin;
  readonly port: number;
  readonly host: string;
  readonly token: string | undefined;
  readonly readOnly: boolean;
  readonly redact: Redact | undefined;
  readonly name: string;
  readonly clock: Clock;
  readonly skewMs: number;
}

/** A store that supports `list` and `watch`. */
export type WatchedStore = Store & Required<Pick<Store, "list" | "watch">>;

const MIN_TOKEN_LENGTH = 16;

/**
 * @throws {TypeError | RangeError} that names the option that is wrong.
 * @throws {LatchkeyError} `unsupported` for a store that cannot list and watch.
 */
export function resolveInspectorOptions(options: InspectorOptions): ResolvedInspectorOptions {
  objectWith("options", options);
  const { dedup, store, port = 0, host = "127.0.0.1", token, readOnly = false, redact, clock = systemClock } = options;
  if (dedup !== undefined) objectWith("dedup", dedup, "subscribe", "peek", "clear");
  const watched = store === undefined ? undefined : watchedStore(store);
  if (redact !== undefined) callable("redact", redact);
  objectWith("clock", clock, "monotonicMs", "wallMs", "schedule");
  const { name = dedup?.owner ?? "a store" } = options;
  return {
    dedup,
    store: watched,
    keyAdmin: keyAdminOf(dedup, watched),
    port: wholeNumber("port", port, 0, 65_535),
    host: text("host", host),
    token: checkedToken(token, host),
    readOnly: flag("readOnly", readOnly),
    redact,
    name: text("name", name),
    clock,
    skewMs: dedup?.skewMs ?? DEFAULT_SKEW_MS,
  };
}

function keyAdminOf(dedup: Deduplicator | undefined, store: WatchedStore | undefined): KeyAdmin {
  if (store !== undefined) return storeKeyAdmin(store);
  if (dedup !== undefined) return dedupKeyAdmin(dedup);
  throw new TypeError(expected("dedup", "a Deduplicator, unless `store` is set", dedup));
}

function watchedStore(store: Store): WatchedStore {
  objectWith("store", store, "put", "get");
  if (canBeWatched(store)) return store;
  throw new LatchkeyError(
    "unsupported",
    "The inspector cannot watch this store, which supports no `list` and `watch`. Pass a `dedup` instead",
  );
}

function canBeWatched(store: Store): store is WatchedStore {
  return store.list !== undefined && store.watch !== undefined;
}

/** The error omits the value, which may be a part of a real token. */
function checkedToken(token: unknown, host: string): string | undefined {
  const what = `at least ${MIN_TOKEN_LENGTH} letters, digits, "-" or "_"`;
  if (token === undefined) {
    if (isLoopback(host)) return undefined;
    throw new TypeError(expected("token", `${what}, since \`host\` is not loopback`, token));
  }
  if (typeof token !== "string") throw new TypeError(expected("token", what, token));
  if (token.length >= MIN_TOKEN_LENGTH && /^[\w-]+$/.test(token)) return token;
  throw new RangeError(`Expected \`token\` to be ${what}, got ${token.length} characters (string)`);
}
