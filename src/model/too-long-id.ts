import { hasCode } from "../errors.ts";
import { utf8Length } from "../internal/utf8.ts";
import type { Identity } from "./identity.ts";

/** With shorter ids, not the event but the subscription, the workspace or the store's limit is to blame. */
const LONG_ID_BYTES = 1_000;

/** Returns true if a store refused a record because of the length of the event's id. No repetition can succeed. */
export function isIdTooLong(error: unknown, { eventId }: Identity): boolean {
  return hasCode(error, "record-too-large") && utf8Length(eventId) >= LONG_ID_BYTES;
}
