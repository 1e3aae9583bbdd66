import type { DeliveryEvent } from "../../../machines/delivery.ts";
import { hasCode } from "../../errors.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";

/** With shorter ids, not the event but the subscription, the workspace or the store's limit is to blame. */
const LONG_ID_BYTES = 1_000;

/** Returns what the machine makes of an error that the deduplicator threw without a dispatch: `refused`, unless the event is to blame. */
export function eventOfRefusal(error: unknown, identity: ResolvedIdentity): DeliveryEvent {
  if (hasCode(error, "fingerprint-mismatch")) return { type: "fingerprint.mismatched" };
  if (hasCode(error, "permanent")) return { type: "failure.remembered" };
  const isLong = Buffer.byteLength(identity.eventId) >= LONG_ID_BYTES;
  return hasCode(error, "record-too-large") && isLong ? { type: "identity.too.long" } : { type: "refused" };
}
