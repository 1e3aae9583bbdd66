import { senderScope } from "../../model/identify/sender-scope.ts";
import { headerText } from "../fields.ts";
import { DEFAULT_TOLERANCE_MS, isSameSecret, type Secrets, secretList, verifiedIf } from "../signature.ts";
import type { Source } from "../source.ts";
import { standardSignature } from "./standard-webhooks.ts";

/** Options of {@link gitlab}. */
export type GitLabOptions =
  /** Secret token: sent in clear with every request, so it proves the sender and protects no byte of the request. */
  | { readonly secretToken: Secrets }
  /** Signing token: signs id, timestamp and body as Standard Webhooks do. */
  | { readonly signingToken: Secrets; readonly toleranceMs?: number };

/**
 * GitLab webhooks. `Idempotency-Key` stays the same when GitLab retries a webhook.
 * Source: https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export function gitlab(options: GitLabOptions): Source {
  const isSigned = "signingToken" in options;
  return {
    name: "gitlab",
    signsId: isSigned,
    verify: isSigned ? signed(options) : plain(options),
    identify(request) {
      const id = headerText(request, "idempotency-key");
      const kind = headerText(request, "x-gitlab-event");
      return {
        source: senderScope.gitLab(),
        id,
        type: `com.gitlab.${kind.toLowerCase().replaceAll(" ", "_")}`,
      };
    },
  };
}

function plain({ secretToken }: { readonly secretToken: Secrets }): NonNullable<Source["verify"]> {
  const secrets = secretList(secretToken);
  return async ({ headers }) => verifiedIf(await isSameSecret(headers.get("x-gitlab-token") ?? "", secrets));
}

function signed(options: {
  readonly signingToken: Secrets;
  readonly toleranceMs?: number;
}): NonNullable<Source["verify"]> {
  const verify = standardSignature(options.signingToken, options.toleranceMs ?? DEFAULT_TOLERANCE_MS);
  return async (request) => {
    // The signature covers `webhook-id`; the identity uses `Idempotency-Key`, which must therefore be the same.
    const isSameId = request.headers.get("webhook-id") === request.headers.get("idempotency-key");
    return isSameId ? verify(request) : verifiedIf(false);
  };
}
