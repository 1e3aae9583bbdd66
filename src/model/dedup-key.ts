import { toHex } from "../internal/bytes-text.ts";

/** Dedup key, `trigger.dedup.v1:<64 hex digits>`: the hash of a subscription and an event. */
export type DedupKey = `trigger.dedup.v1:${string}`;

/** Returns the dedup key with this digest in hexadecimal digits. */
export function dedupKeyFromHex(hex: string): DedupKey {
  return `trigger.dedup.v1:${hex}`;
}

/** Returns the dedup key of a store key, which ends with the same digest in base64url. The digest alone suffices. */
export function dedupKeyOfStoreKey(storeKey: string): DedupKey {
  const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
  const bytes = atob(digest.replaceAll("-", "+").replaceAll("_", "/"));
  return dedupKeyFromHex(toHex(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}
