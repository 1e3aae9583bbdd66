import { headerText, sourcePath } from "../fields.ts";
import { fromHex, HmacVerifier, type Secrets, secretList, verifiedIf } from "../signature.ts";
import type { Source } from "../source.ts";

export interface BitbucketOptions {
  /** Secret of the webhook, or several during a rotation. */
  readonly secret: Secrets;
}

/**
 * Bitbucket Cloud webhooks. `X-Request-UUID` names the request and its two retries; the signature does not cover it.
 * Source: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
 */
export function bitbucket({ secret }: BitbucketOptions): Source {
  const hmac = new HmacVerifier(secretList(secret));
  return {
    name: "bitbucket",
    signsId: false,
    answerWithinMs: 10_000,
    async verify({ headers, body }) {
      const signature = /^sha256=([0-9a-f]{64})$/i.exec(headers.get("x-hub-signature") ?? "")?.[1];
      return verifiedIf(await hmac.accepts(body, [signature === undefined ? undefined : fromHex(signature)]));
    },
    identify(request) {
      const id = headerText(request, "x-request-uuid");
      const hook = headerText(request, "x-hook-uuid");
      const kind = headerText(request, "x-event-key");
      return { source: sourcePath("bitbucket", "hooks", hook), id, type: `org.bitbucket.${kind.replaceAll(":", ".")}` };
    },
  };
}
