import { senderScope } from "../../model/identify/sender-scope.ts";
import { headerText, optionalText, parseJson } from "../fields.ts";
import { DEFAULT_TOLERANCE_MS, fromBase64, rejected, type Secrets, secretList, timedSignature } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link standardWebhooks}. */
export interface StandardWebhooksOptions {
  /** Symmetric signing secret (`whsec_<base64>`), or several during a rotation. */
  readonly secret: Secrets;
  /** Name of the sender, as the scope of its ids. Set it if several senders share a subscription. @default none */
  readonly sender?: string;
  /** Largest difference between the signed timestamp and the receiver's clock, in milliseconds. @default 300_000 */
  readonly toleranceMs?: number;
}

/**
 * Standard Webhooks with symmetric signatures. The signature covers id, timestamp and body.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardWebhooks({
  secret,
  sender,
  toleranceMs = DEFAULT_TOLERANCE_MS,
}: StandardWebhooksOptions): Source {
  return {
    name: "standard-webhooks",
    signsId: true,
    // The specification's example schedule ends after 75 h 35 min.
    retriesForMs: 76 * 60 * 60 * 1_000,
    verify: standardSignature(secret, toleranceMs),
    identify(request) {
      const type = optionalText(parseJson(request.body), "type") ?? "webhook";
      return { source: senderScope.standardWebhooks(sender), id: headerText(request, "webhook-id"), type };
    },
  };
}

/** Verifies the symmetric signatures of Standard Webhooks. */
export function standardSignature(secret: Secrets, toleranceMs: number): NonNullable<Source["verify"]> {
  const verify = timedSignature(secretList(secret).map(keyOf), toleranceMs, (headers) => {
    const timestamp = headers.get("webhook-timestamp");
    const signatures = (headers.get("webhook-signature") ?? "")
      .split(" ")
      .map((versioned) => versioned.split(",", 2))
      .filter(([version]) => version === "v1")
      .map(([, base64 = ""]) => fromBase64(base64));
    return { timestamp, signatures, prefix: `${headers.get("webhook-id")}.${timestamp}.` };
  });
  return async (request) =>
    request.headers.get("webhook-id") ? verify(request) : rejected("The header `webhook-id` is missing");
}

/** @throws {TypeError} if the secret is not base64; the message does not contain it. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = fromBase64(secret.replace(/^whsec_/, ""));
  if (key === undefined || key.byteLength === 0) throw new TypeError("Expected `secret` to be `whsec_` and base64");
  return key;
}
