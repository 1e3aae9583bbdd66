import { dedupKeyOfStoreKey } from "../../../model/dedup-key.ts";
import type { EventLink } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";

/** Returns the address that a link has for an event. */
export function addressOf({ template }: EventLink, { storeKey, ...ids }: EventRef): string {
  const values: Readonly<Record<string, string>> = { ...ids, storeKey, key: dedupKeyOfStoreKey(storeKey) };
  return template.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? placeholder : encodeURIComponent(value);
  });
}
