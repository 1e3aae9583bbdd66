import { headerText, optionalText, parseJson, sourcePath } from "../fields.ts";
import { fromHex, HmacVerifier, type Secrets, secretList, verifiedIf } from "../signature.ts";
import type { Source } from "../source.ts";

export interface GitHubOptions {
  /** Secret of the webhook, or several during a rotation. */
  readonly secret: Secrets;
}

/**
 * GitHub webhooks. All hooks and Apps of an account share the delivery id of an event, so the hook and its installation target
 * belong to the identity. The signature covers the body, not the id.
 * Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
 */
export function github({ secret }: GitHubOptions): Source {
  const hmac = new HmacVerifier(secretList(secret));
  return {
    name: "github",
    signsId: false,
    // GitHub never retries on its own. Its API redelivers deliveries of the last three days.
    retriesForMs: 3 * 24 * 60 * 60 * 1_000,
    answerWithinMs: 10_000,
    async verify({ headers, body }) {
      const signature = /^sha256=([0-9a-f]{64})$/i.exec(headers.get("x-hub-signature-256") ?? "")?.[1];
      return verifiedIf(await hmac.accepts(body, [signature === undefined ? undefined : fromHex(signature)]));
    },
    identify(request) {
      const id = headerText(request, "x-github-delivery");
      const hook = headerText(request, "x-github-hook-id");
      const targetType = headerText(request, "x-github-hook-installation-target-type");
      const target = headerText(request, "x-github-hook-installation-target-id");
      const action = optionalText(parseJson(request.body), "action");
      const kind = headerText(request, "x-github-event");
      return {
        source: sourcePath("github", targetType, target, "hooks", hook),
        id,
        type: `com.github.${kind}${action === undefined ? "" : `.${action}`}`,
      };
    },
  };
}
