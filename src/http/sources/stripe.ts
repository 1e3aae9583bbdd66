import { senderScope } from "../../model/identify/sender-scope.ts";
import { bodyMember, jsonObject, optionalText } from "../fields.ts";
import { DEFAULT_TOLERANCE_MS, fromHex, type Secrets, secretList, timedSignature } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link stripe}. */
export interface StripeOptions {
  /** Signing secret of the endpoint (`whsec_…`), or several during a rotation. */
  readonly secret: Secrets;
  /** Largest age of a signature, in milliseconds. @default 300_000 */
  readonly toleranceMs?: number;
}

/**
 * Stripe webhooks. The event's id is in the signed body. Connected accounts have ids of their own, so the account is its scope.
 * Source: https://docs.stripe.com/webhooks/signature
 */
export function stripe({ secret, toleranceMs = DEFAULT_TOLERANCE_MS }: StripeOptions): Source {
  return {
    name: "stripe",
    signsId: true,
    retriesForMs: 3 * 24 * 60 * 60 * 1_000,
    verify: timedSignature(secretList(secret), toleranceMs, (headers) => {
      const items = (headers.get("stripe-signature") ?? "").split(",").map((item) => item.trim().split("=", 2));
      const timestamp = items.find(([name]) => name === "t")?.[1];
      const signatures = items.filter(([name]) => name === "v1").map(([, hex = ""]) => fromHex(hex));
      return { timestamp, signatures, prefix: `${timestamp}.` };
    }),
    identify(request) {
      const event = jsonObject(request);
      const account = optionalText(event, "account") ?? optionalText(event, "context");
      return {
        source: senderScope.stripe(account),
        id: bodyMember(event, "id"),
        type: `com.stripe.${bodyMember(event, "type")}`,
      };
    },
  };
}
