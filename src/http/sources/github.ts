import { senderScope } from "../../model/identify/sender-scope.ts";
import { headerText, jsonValue, optionalText } from "../fields.ts";
import { bodySignature, type Secrets } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link github}. */
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
  return {
    name: "github",
    signsId: false,
    // GitHub never retries on its own. Its API redelivers deliveries of the last three days.
    retriesForMs: 3 * 24 * 60 * 60 * 1_000,
    verify: bodySignature("x-hub-signature-256", secret),
    identify(request) {
      const id = headerText(request, "x-github-delivery");
      const hook = headerText(request, "x-github-hook-id");
      const targetType = headerText(request, "x-github-hook-installation-target-type");
      const target = headerText(request, "x-github-hook-installation-target-id");
      const action = optionalText(jsonValue(request), "action");
      const kind = headerText(request, "x-github-event");
      return {
        source: senderScope.gitHub({ hook, targetType, target }),
        id,
        type: `com.github.${kind}${action === undefined ? "" : `.${action}`}`,
      };
    },
  };
}
