import type { EventLink } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";

/** Returns the address that a link has for an event. */
export function addressOf({ template }: EventLink, { storeKey, ...ids }: EventRef): string {
  const values: Readonly<Record<string, string>> = { ...ids, storeKey, key: dedupKeyOf(storeKey) };
  return template.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? placeholder : encodeURIComponent(value);
  });
}

/** Returns the dedup key of a store key, which ends with the same digest in base64url. */
export function dedupKeyOf(storeKey: string): string {
  const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
  const bytes = atob(digest.replaceAll("-", "+").replaceAll("_", "/"));
  const hex = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0"));
  return `trigger.dedup.v1:${hex.join("")}`;
}
