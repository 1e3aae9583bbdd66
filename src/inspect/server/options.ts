import type { Deduplicator } from "../../deduplicator.ts";
import { LatchkeyError } from "../../errors.ts";
import { type Clock, systemClock } from "../../internal/clock.ts";
import { callable, expected, flag, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import type { DeadLetters } from "../../model/dead-letter.ts";
import type { Store } from "../../model/store.ts";
import { DEFAULT_SKEW_MS } from "../../options.ts";
import type { AuthGuardOptions, Authorize } from "./auth-guard.ts";
import { isLoopback, isOwnName, nameOf } from "./hosts.ts";
import { dedupKeyAdmin, type KeyAdmin, storeKeyAdmin, type WatchedStore } from "./key-admin.ts";
import type { Redact } from "./redaction.ts";
import type { EventLink } from "./wire.ts";

/** Content of an inspector, and its form. At least one of `dedup` and `store` is required. */
export interface InspectedOptions {
  /** Deduplicator whose events are shown. More can be attached later. */
  readonly dedup?: Deduplicator;
  /**
   * Store whose records are watched, which shows all replicas that share it. It must support `list` and `watch`. An attached
   * deduplicator is shown by its own events instead.
   */
  readonly store?: Store;
  /** Dead letters to list, redrive and drop, such as `deadLetters` of `latchkey/nats`. @default none */
  readonly deadLetters?: DeadLetters;
  /** Forbids releasing and clearing keys, and changes of dead letters. @default false */
  readonly readOnly?: boolean;
  /** Replaces ids and error texts before they are shown. @default none */
  readonly redact?: Redact;
  /** Links from every event to other systems, such as its logs and traces. @default none */
  readonly links?: readonly EventLink[];
  /** Name of the process or bucket, shown in the header. @default the deduplicator's owner */
  readonly name?: string;
  /** Time source. @default the clock of this process */
  readonly clock?: Clock;
}

/** Options of an inspector with its own server. */
export interface InspectorOptions extends InspectedOptions {
  /** TCP port. @default 0, which picks a free port */
  readonly port?: number;
  /** Address or host name to listen on. Any address but loopback requires a `token`. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * Secret that a page needs to change keys and, unless the host is loopback, to see anything. At least 16 letters, digits, `-` or
   * `_`. @default a random token
   */
  readonly token?: string;
  /** Host names under which the inspector answers, besides its own, such as that of a proxy. @default none */
  readonly allowedHosts?: readonly string[];
  /** Origins from which the page may change keys, if a proxy replaces the header `Host`. @default none */
  readonly allowedOrigins?: readonly string[];
  /** Path at which a proxy passes requests on unchanged, such as `/latchkey`. @default "/" */
  readonly basePath?: string;
}

/** Options of an inspector in another server. */
export interface MountedInspectorOptions extends InspectedOptions {
  /** Path at which the inspector is mounted, such as `/latchkey`. @default "/" */
  readonly basePath?: string;
  /** Host names under which the inspector answers, besides loopback: the defence against DNS rebinding. @default none */
  readonly allowedHosts?: readonly string[];
  /** Origins from which the page may change keys, if a proxy replaces the header `Host`. @default none */
  readonly allowedOrigins?: readonly string[];
  /**
   * Decides for every request whether its sender may use the inspector. Replaces the token. Changes are accepted from the page's own
   * origin only, so a session cookie suffices. @default every request but that for the empty page needs the token
   */
  readonly authorize?: Authorize;
  /** Secret that the page needs without `authorize`. At least 16 letters, digits, `-` or `_`. @default a random token */
  readonly token?: string;
}

/** Resolved {@link InspectedOptions}. */
export interface ResolvedInspectedOptions {
  readonly dedup: Deduplicator | undefined;
  readonly store: WatchedStore | undefined;
  readonly deadLetters: DeadLetters | undefined;
  readonly keyAdmin: KeyAdmin;
  readonly readOnly: boolean;
  readonly redact: Redact | undefined;
  readonly links: readonly EventLink[];
  readonly name: string;
  readonly clock: Clock;
  readonly skewMs: number;
}

/** Users and addresses that may use an inspector. */
export interface Access extends Omit<AuthGuardOptions, "token"> {
  readonly token: string | undefined;
  /** Path without a slash at its end. */
  readonly basePath: string;
}

export interface ResolvedInspectorOptions {
  readonly inspected: ResolvedInspectedOptions;
  readonly access: Access;
  readonly port: number;
  readonly host: string;
}

const MIN_TOKEN_LENGTH = 16;

/**
 * @throws {TypeError | RangeError} that names the option that is wrong.
 * @throws {LatchkeyError} `unsupported` for a store that cannot list and watch.
 */
export function resolveInspectorOptions(options: InspectorOptions): ResolvedInspectorOptions {
  objectWith("options", options);
  const { port = 0, host: givenHost = "127.0.0.1", token, basePath, allowedHosts, allowedOrigins } = options;
  const host = text("host", givenHost);
  const inspected = resolveInspectedOptions(options);
  const names = hostNames(allowedHosts);
  const access: Access = {
    isOwnHost: (url) => isOwnName(nameOf(url), host) || names.includes(nameOf(url)),
    allowedOrigins: origins(allowedOrigins),
    authorize: undefined,
    // A proxy in front of a loopback address lets others in.
    isLocal: isLoopback(host) && names.length === 0,
    token: checkedToken(token, isLoopback(host)),
    basePath: resolvedPath(basePath),
  };
  return { inspected, access, host, port: wholeNumber("port", port, 0, 65_535) };
}

/**
 * @throws {TypeError | RangeError} that names the option that is wrong.
 * @throws {LatchkeyError} `unsupported` for a store that cannot list and watch.
 */
export function resolveMountedOptions(
  options: MountedInspectorOptions,
): Omit<ResolvedInspectorOptions, "port" | "host"> {
  objectWith("options", options);
  const { token, basePath, allowedHosts, allowedOrigins, authorize } = options;
  if (authorize !== undefined) callable("authorize", authorize);
  const names = hostNames(allowedHosts);
  const access: Access = {
    isOwnHost: (url) => isLoopback(nameOf(url)) || names.includes(nameOf(url)),
    allowedOrigins: origins(allowedOrigins),
    authorize,
    isLocal: false,
    token: checkedToken(token, true),
    basePath: resolvedPath(basePath),
  };
  return { inspected: resolveInspectedOptions(options), access };
}

function resolveInspectedOptions(options: InspectedOptions): ResolvedInspectedOptions {
  const { dedup, store, deadLetters, readOnly = false, redact, links = [], clock = systemClock } = options;
  if (dedup !== undefined) objectWith("dedup", dedup, "subscribe", "peek", "clear");
  const watched = store === undefined ? undefined : watchedStore(store);
  if (deadLetters !== undefined) objectWith("deadLetters", deadLetters, "list", "redrive", "drop");
  if (redact !== undefined) callable("redact", redact);
  objectWith("clock", clock, "monotonicMs", "wallMs", "schedule");
  const { name = dedup?.owner ?? "a store" } = options;
  return {
    dedup,
    store: watched,
    deadLetters,
    keyAdmin: keyAdminOf(dedup, watched),
    readOnly: flag("readOnly", readOnly),
    redact,
    links: links.map(resolvedLink),
    name: text("name", name),
    clock,
    skewMs: dedup?.skewMs ?? DEFAULT_SKEW_MS,
  };
}

/** Other schemes, such as `javascript:`, would run code in the page. */
function resolvedLink({ name, template }: EventLink): EventLink {
  if (!/^https?:\/\//i.test(text("links.template", template))) {
    throw new TypeError(expected("links.template", "an address that starts with http:// or https://", template));
  }
  return { name: text("links.name", name), template };
}

function hostNames(names: readonly string[] = []): readonly string[] {
  return names.map((name) => {
    const host = `http://${text("allowedHosts", name)}`;
    if (!URL.canParse(host) || new URL(host).hostname !== name.toLowerCase()) {
      throw new TypeError(expected("allowedHosts", "host names without a port, such as ops.example.com", name));
    }
    return nameOf(new URL(host));
  });
}

function origins(given: readonly string[] = []): readonly string[] {
  return given.map((origin) => {
    if (!URL.canParse(text("allowedOrigins", origin)) || new URL(origin).origin !== origin) {
      throw new TypeError(expected("allowedOrigins", "origins such as https://ops.example.com", origin));
    }
    return origin;
  });
}

function resolvedPath(path = "/"): string {
  if (!/^\/([^?#]*)$/.test(text("basePath", path))) {
    throw new TypeError(expected("basePath", "a path that starts with `/`", path));
  }
  return path.replace(/\/+$/, "");
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
function checkedToken(token: unknown, isOptional: boolean): string | undefined {
  const what = `at least ${MIN_TOKEN_LENGTH} letters, digits, "-" or "_"`;
  if (token === undefined) {
    if (isOptional) return undefined;
    throw new TypeError(expected("token", `${what}, since \`host\` is not loopback`, token));
  }
  if (typeof token !== "string") throw new TypeError(expected("token", what, token));
  if (token.length >= MIN_TOKEN_LENGTH && /^[\w-]+$/.test(token)) return token;
  throw new RangeError(`Expected \`token\` to be ${what}, got ${token.length} characters (string)`);
}
