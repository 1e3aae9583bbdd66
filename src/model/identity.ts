import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { expected, objectWith, text } from "../internal/validate.ts";

/** Which event, for which subscription, of which tenant. */
export interface Identity {
  /** The tenant; it partitions the store and is not part of the dedup key. @default "default" */
  readonly workspaceId?: string;
  readonly subscriptionId: string;
  readonly eventId: string;
}

/** `trigger.dedup.v1:<64 hex digits>`: what an event's identity hashes to, and the idempotency key to send downstream. */
export type DedupKey = `trigger.dedup.v1:${string}`;

/**
 * Where a store keeps one key: `<workspace token>.<subscription token>.<digest>`, of letters, digits, `-`, `_` and two dots.
 * The tokens are hashes, so that any id is safe in a subject and a whole workspace or subscription can be selected by prefix.
 */
export type StoreKey = string & { readonly brand: "StoreKey" };

/** An identity that was checked, with everything that is computed from it, once. */
export interface ResolvedIdentity {
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  readonly key: DedupKey;
  readonly storeKey: StoreKey;
}

export const DEFAULT_WORKSPACE = "default";

/**
 * The dedup key of an event: SHA-256 over both ids, each preceded by its length in UTF-8 bytes and a colon, so that no two
 * identities share one.
 * @throws {TypeError} when a part is empty, is not a string, or has lone surrogates.
 */
export function dedupKey(subscriptionId: string, eventId: string): DedupKey {
  return `trigger.dedup.v1:${digest(text("subscriptionId", subscriptionId), text("eventId", eventId), "hex")}`;
}

/** @throws {TypeError} as {@link dedupKey}, naming the field of the identity. */
export function resolveIdentity(identity: Identity): ResolvedIdentity {
  objectWith("identity", identity);
  const { workspaceId = DEFAULT_WORKSPACE, subscriptionId, eventId } = identity;
  text("workspaceId", workspaceId);
  text("subscriptionId", subscriptionId);
  text("eventId", eventId);
  const hex = digest(subscriptionId, eventId, "hex");
  return {
    workspaceId,
    subscriptionId,
    eventId,
    key: `trigger.dedup.v1:${hex}`,
    storeKey: storeKey(workspaceId, subscriptionId, Buffer.from(hex, "hex").toString("base64url")),
  };
}

/** Which keys to list, watch or clear; a part that is missing matches all. */
export interface KeyFilter {
  readonly workspaceId?: string;
  readonly subscriptionId?: string;
  readonly eventId?: string;
}

/**
 * The three parts of the store keys that match, with `*` for any.
 * @throws {TypeError} for a part that is not a text, and for an event id without its subscription.
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
      : digest(subscriptionId, text("eventId", eventId), "base64url"),
  ];
}

/** Tells the store keys that match. @throws {TypeError} as {@link storeKeyPattern}. */
export function keyMatcher(filter: KeyFilter): (key: StoreKey) => boolean {
  const pattern = storeKeyPattern(filter);
  return (key) => key.split(".").every((part, index) => pattern[index] === "*" || pattern[index] === part);
}

/** @throws {TypeError} when `value` is not of the form of a {@link StoreKey}. */
export function parseStoreKey(value: string): StoreKey {
  if (!isStoreKey(value))
    throw new TypeError(expected("key", "<workspace token>.<subscription token>.<digest>", value));
  return value;
}

function isStoreKey(value: string): value is StoreKey {
  return /^[\w-]{16}\.[\w-]{16}\.[\w-]{43}$/.test(value);
}

function storeKey(workspaceId: string, subscriptionId: string, digestOfBoth: string): StoreKey {
  // Joined, it is one string; put together with a template it would be a tree of several, for as long as it is a key of a map.
  const key = [partToken(workspaceId), partToken(subscriptionId), digestOfBoth].join(".");
  return isWhole(key) ? key : parseStoreKey(key);
}

/** What is made of tokens and a digest has the form by itself; the pattern costs as much as the hash. */
function isWhole(key: string): key is StoreKey {
  return key.length === STORE_KEY_LENGTH;
}

function digest(subscriptionId: string, eventId: string, encoding: "hex" | "base64url"): string {
  return hash("sha256", lengthPrefixed(subscriptionId) + lengthPrefixed(eventId), encoding);
}

function lengthPrefixed(part: string): string {
  return `${Buffer.byteLength(part)}:${part}`;
}

/** 96 bits of the hash: a workspace or subscription is selected by its token, no decision rests on it alone. */
const TOKEN_LENGTH = 16;
const STORE_KEY_LENGTH = TOKEN_LENGTH + 1 + TOKEN_LENGTH + 1 + 43;
const TOKENS_KEPT = 4096;
const tokens = new LRUCache<string, string>({ max: TOKENS_KEPT });

function partToken(part: string): string {
  const known = tokens.get(part);
  if (known !== undefined) return known;
  const token = hash("sha256", part, "base64url").slice(0, TOKEN_LENGTH);
  tokens.set(part, token);
  return token;
}
