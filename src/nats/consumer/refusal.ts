import type { DeliveryEvent } from "../../../machines/delivery.ts";
import { hasCode } from "../../errors.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import { isIdTooLong } from "../../model/too-long-id.ts";

/** Returns the event for an error that the deduplicator threw without a dispatch: `refused`, unless the message itself is the cause. */
export function eventOfRefusal(error: unknown, identity: ResolvedIdentity): DeliveryEvent {
  if (hasCode(error, "fingerprint-mismatch")) return { type: "fingerprint.mismatched" };
  if (hasCode(error, "permanent")) return { type: "failure.remembered" };
  return { type: isIdTooLong(error, identity) ? "identity.too.long" : "refused" };
}
