import type { Deduplicator } from "../../deduplicator.ts";
import { LatchkeyError } from "../../errors.ts";
import { type Clock, systemClock } from "../../internal/clock.ts";
import { callable, expected, flag, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import type { Store } from "../../model/store.ts";
import { DEFAULT_SKEW_MS } from "../../options.ts";
import { isLoopback } from "./hosts.ts";
import { dedupKeyAdmin, type KeyAdmin, storeKeyAdmin } from "./key-admin.ts";
import type { Redact } from "./redaction.ts";

/** What an inspector shows, and to whom. At least one of `dedup` and `store` is needed. */
export interface InspectorOptions {
  /** Every step of it is shown. More can be attached later. */
  readonly dedup?: Deduplicator;
  /**
   * What all replicas that share it do is shown, as far as its records tell; it must be able to list and to watch. A replica whose
   * deduplicator is attached is shown by its own steps.
   */
  readonly store?: Store;
  /** @default 0, any that is free */
  readonly port?: number;
  /** The address, or its name, to listen at. Any other than loopback needs a `token`. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * What a page must know to change anything and, unless the host is loopback, to see anything: at least 16 letters, digits, `-` or
   * `_`. @default a random one
   */
  readonly token?: string;
  /** Whether keys cannot be released and cleared. @default false */
  readonly readOnly?: boolean;
  /** Gives what is shown in the place of ids and of the texts of errors. @default they are shown */
  readonly redact?: Redact;
  /** What is shown, in a few words. @default the deduplicator's owner */
  readonly name?: string;
  /** @default the clock of this process */
  readonly clock?: Clock;
}

export interface ResolvedInspectorOptions {
  readonly dedup: Deduplicator | undefined;
  readonly store: WatchedStore | undefined;
  readonly keeper: KeyAdmin;
  readonly port: number;
  readonly host: string;
  readonly token: string | undefined;
  readonly readOnly: boolean;
  readonly redact: Redact | undefined;
  readonly name: string;
  readonly clock: Clock;
  readonly skewMs: number;
}

/** A store that can list and watch. */
export type WatchedStore = Store & Required<Pick<Store, "list" | "watch">>;

const SHORTEST_TOKEN = 16;

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
    keeper: keeperOf(dedup, watched),
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

/** What the store itself removes, every replica's cache hears of. */
function keeperOf(dedup: Deduplicator | undefined, store: WatchedStore | undefined): KeyAdmin {
  if (store !== undefined) return storeKeyAdmin(store);
  if (dedup !== undefined) return dedupKeyAdmin(dedup);
  throw new TypeError(expected("dedup", "a Deduplicator, unless there is a `store`", dedup));
}

function watchedStore(store: Store): WatchedStore {
  objectWith("store", store, "put", "get");
  if (canBeWatched(store)) return store;
  throw new LatchkeyError(
    "unsupported",
    "This store cannot list its keys and tell what changes: give a `dedup` instead",
  );
}

function canBeWatched(store: Store): store is WatchedStore {
  return store.list !== undefined && store.watch !== undefined;
}

/** What does not look like a token is not repeated: it may be part of one. */
function checkedToken(token: unknown, host: string): string | undefined {
  const what = `at least ${SHORTEST_TOKEN} letters, digits, "-" or "_"`;
  if (token === undefined) {
    if (isLoopback(host)) return undefined;
    throw new TypeError(expected("token", `${what}, since \`host\` is not loopback`, token));
  }
  if (typeof token !== "string") throw new TypeError(expected("token", what, token));
  if (token.length >= SHORTEST_TOKEN && /^[\w-]+$/.test(token)) return token;
  throw new RangeError(`Expected \`token\` to be ${what}, got one of ${token.length} characters (string)`);
}
