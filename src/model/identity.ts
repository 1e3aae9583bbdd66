import { hexToBase64url } from "../internal/bytes-text.ts";
import { LruMap } from "../internal/lru-map.ts";
import { sha256 } from "../internal/sha256.ts";
import { utf8Length } from "../internal/utf8.ts";
import { expected, objectWith, text } from "../internal/validate.ts";
import { type DedupKey, dedupKeyFromHex } from "./dedup-key.ts";

/** The event, the subscription it is dispatched for, and the tenant. */
export interface Identity {
  /** Tenant. It partitions the store and is not part of the dedup key. @default "default" */
  readonly workspaceId?: string;
  /** Subscription that the event is dispatched for: any well-formed, non-empty string. */
  readonly subscriptionId: string;
  /** Event, unique within the subscription: any well-formed, non-empty string. */
  readonly eventId: string;
}

/**
 * Name of a key in a store: `<workspace token>.<subscription token>.<digest>`, made of letters, digits, `-`, `_` and two dots.
 * The tokens are hashes: any id is safe in a NATS subject, and a prefix selects a workspace or a subscription.
 */
export type StoreKey = string & { readonly brand: "StoreKey" };

/** Workspace of an identity that names none. */
export const DEFAULT_WORKSPACE = "default";

/**
 * Returns the dedup key of an event: SHA-256 over both ids, each preceded by its length in UTF-8 bytes and a colon.
 * No two pairs of ids share the hashed bytes.
 * @throws {TypeError} if a part is empty, is not a string, or has lone surrogates.
 */
export function dedupKey(subscriptionId: string, eventId: string): DedupKey {
  return dedupKeyFromHex(digest("hex", text("subscriptionId", subscriptionId), text("eventId", eventId)));
}

/** A checked identity with its keys, which are computed once. */
export interface ResolvedIdentity {
  /** Tenant. */
  readonly workspaceId: string;
  /** Subscription that the event is dispatched for. */
  readonly subscriptionId: string;
  /** Event, unique within the subscription. */
  readonly eventId: string;
  /** Dedup key of subscription and event. */
  readonly key: DedupKey;
  /** Key to send downstream: the dedup key, scoped to the workspace. */
  readonly idempotencyKey: DedupKey;
  /** Name of the key in the store. */
  readonly storeKey: StoreKey;
}

/** Marks the identities that {@link resolveIdentity} returned. A copy has no mark: its ids may differ from its keys. */
class MarkedIdentity implements ResolvedIdentity {
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  readonly key: DedupKey;
  readonly idempotencyKey: DedupKey;
  declare readonly storeKey: StoreKey;
  readonly #pairDigest: string;
  readonly #digest: string;
  #storeKey: StoreKey | undefined;

  /** An own property like the others, but made when it is read: a duplicate from the cache needs none (docs/performance.md). */
  static readonly #lazyStoreKey: PropertyDescriptor & ThisType<MarkedIdentity> = {
    enumerable: true,
    get() {
      this.#storeKey ??= storeKey(this.workspaceId, this.subscriptionId, hexToBase64url(this.#pairDigest));
      return this.#storeKey;
    },
  };

  constructor({ workspaceId = DEFAULT_WORKSPACE, subscriptionId, eventId }: Identity) {
    this.workspaceId = text("workspaceId", workspaceId);
    this.subscriptionId = text("subscriptionId", subscriptionId);
    this.eventId = text("eventId", eventId);
    this.#pairDigest = digest("hex", subscriptionId, eventId);
    const isDefault = workspaceId === DEFAULT_WORKSPACE;
    // Three length-prefixed parts never equal two.
    this.#digest = isDefault ? this.#pairDigest : digest("hex", subscriptionId, eventId, workspaceId);
    this.key = dedupKeyFromHex(this.#pairDigest);
    this.idempotencyKey = isDefault ? this.key : dedupKeyFromHex(this.#digest);
    Object.defineProperty(this, "storeKey", MarkedIdentity.#lazyStoreKey);
    Object.freeze(this);
  }

  static hasMark(identity: Identity): identity is MarkedIdentity {
    return #digest in identity;
  }

  static digestOf(identity: ResolvedIdentity): string {
    return MarkedIdentity.hasMark(identity) ? identity.#digest : identity.idempotencyKey;
  }
}

/**
 * Checks an identity and computes its keys. Returns an identity that is already resolved as it is, without another hash.
 * @throws {TypeError} as {@link dedupKey}, naming the field.
 */
export function resolveIdentity(identity: Identity): ResolvedIdentity {
  objectWith("identity", identity);
  return MarkedIdentity.hasMark(identity) ? identity : new MarkedIdentity(identity);
}

/** Returns a short text that no other event has, in any workspace. Unlike the store key, it exists already. */
export function digestOf(identity: ResolvedIdentity): string {
  return MarkedIdentity.digestOf(identity);
}

/** Selects keys to list, watch or clear. A missing part matches every key. */
export interface KeyFilter {
  /** Keys of this tenant only. */
  readonly workspaceId?: string;
  /** Keys of this subscription only. */
  readonly subscriptionId?: string;
  /** The key of this event only; needs `subscriptionId`. */
  readonly eventId?: string;
}

/**
 * Returns the three parts of the matching store keys, with `*` for a part that matches all.
 * @throws {TypeError} if a part is not a well-formed string, or if `eventId` is given without `subscriptionId`.
 */
export function storeKeyPattern(filter: KeyFilter): readonly [workspace: string, subscription: string, digest: string] {
  const { workspaceId, subscriptionId, eventId } = filter;
  if (eventId !== undefined && subscriptionId === undefined) {
    throw new TypeError(expected("subscriptionId", "given together with `eventId`", subscriptionId));
  }
  return [
    workspaceId === undefined ? "*" : partToken(text("workspaceId", workspaceId)),
    subscriptionId === undefined ? "*" : partToken(text("subscriptionId", subscriptionId)),
    subscriptionId === undefined || eventId === undefined
      ? "*"
      : digest("base64url", subscriptionId, text("eventId", eventId)),
  ];
}

/** Returns a predicate for the matching store keys. @throws {TypeError} as {@link storeKeyPattern}. */
export function keyMatcher(filter: KeyFilter): (key: StoreKey) => boolean {
  const pattern = storeKeyPattern(filter);
  return (key) => key.split(".").every((part, index) => pattern[index] === "*" || pattern[index] === part);
}

/** Returns `value` as a {@link StoreKey}. @throws {TypeError} if it does not have that form. */
export function parseStoreKey(value: string): StoreKey {
  if (!isStoreKey(value))
    throw new TypeError(expected("key", "<workspace token>.<subscription token>.<digest>", value));
  return value;
}

function isStoreKey(value: string): value is StoreKey {
  return /^[\w-]{16}\.[\w-]{16}\.[\w-]{43}$/.test(value);
}

function storeKey(workspaceId: string, subscriptionId: string, digestOfBoth: string): StoreKey {
  // `join` makes one flat string. A template literal makes a rope of several, which a map would keep alive.
  const key = [partToken(workspaceId), partToken(subscriptionId), digestOfBoth].join(".");
  return isWhole(key) ? key : parseStoreKey(key);
}

/** A string built from tokens and a digest needs no pattern check, which costs as much as the hash. */
function isWhole(key: string): key is StoreKey {
  return key.length === STORE_KEY_LENGTH;
}

function digest(encoding: "hex" | "base64url", ...parts: readonly string[]): string {
  let hashed = "";
  for (const part of parts) hashed += `${utf8Length(part)}:${part}`;
  return sha256(hashed, encoding);
}

/** 96 bits of the hash. Tokens select workspaces and subscriptions; no decision rests on a token alone. */
const TOKEN_LENGTH = 16;
const STORE_KEY_LENGTH = TOKEN_LENGTH + 1 + TOKEN_LENGTH + 1 + 43;
const CACHED_TOKENS = 4096;
const tokens = new LruMap<string, string>(CACHED_TOKENS);

function partToken(part: string): string {
  const known = tokens.get(part);
  if (known !== undefined) return known;
  const token = sha256(part, "base64url").slice(0, TOKEN_LENGTH);
  tokens.set(part, token);
  return token;
}
