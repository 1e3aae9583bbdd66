import { senderScope } from "../../model/identify/sender-scope.ts";
import { headerText } from "../fields.ts";
import { bodySignature, type Secrets } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link bitbucket}. */
export interface BitbucketOptions {
  /** Secret of the webhook, or several during a rotation. */
  readonly secret: Secrets;
}

/**
 * Bitbucket Cloud webhooks. `X-Request-UUID` names the request and its two retries; the signature does not cover it.
 * Source: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
 */
export function bitbucket({ secret }: BitbucketOptions): Source {
  return {
    name: "bitbucket",
    signsId: false,
    retriesOnlyServerErrors: true,
    verify: bodySignature("x-hub-signature", secret),
    identify(request) {
      const id = headerText(request, "x-request-uuid");
      const hook = headerText(request, "x-hook-uuid");
      const kind = headerText(request, "x-event-key");
      return { source: senderScope.bitbucket(hook), id, type: `org.bitbucket.${kind.replaceAll(":", ".")}` };
    },
  };
}
