import { dedupKeyOfStoreKey } from "../../../model/dedup-key.ts";
import type { EventLink } from "../../server/wire.ts";
import type { KeyedIdentity } from "../../trace/trace-event.ts";

/** Returns the address that a link has for an event. A placeholder that names nothing of an event stays. */
export function addressOf({ template }: EventLink, { storeKey, ...ids }: KeyedIdentity): string {
  const values = new Map(Object.entries({ ...ids, storeKey, key: dedupKeyOfStoreKey(storeKey) }));
  return template.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values.get(name);
    return value === undefined ? placeholder : encodeURIComponent(value);
  });
}
