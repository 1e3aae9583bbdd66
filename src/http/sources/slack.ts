import { isObject } from "../../internal/is-object.ts";
import { senderScope } from "../../model/identify/sender-scope.ts";
import { bodyMember, jsonObject, optionalText, parseJson } from "../fields.ts";
import { DEFAULT_TOLERANCE_MS, fromHex, type Secrets, secretList, timedSignature } from "../signature.ts";
import type { Source } from "../source.ts";

/** Options of {@link slack}. */
export interface SlackOptions {
  /** Signing secret of the app, or several during a rotation. */
  readonly signingSecret: Secrets;
  /** Largest age of a signature, in milliseconds. @default 300_000 */
  readonly toleranceMs?: number;
}

/**
 * Slack's Events API. Answers the URL verification. The event's id is in the signed body.
 * Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.slack.dev/apis/events-api/
 */
export function slack({ signingSecret, toleranceMs = DEFAULT_TOLERANCE_MS }: SlackOptions): Source {
  return {
    name: "slack",
    signsId: true,
    // Three retries: at once, after one minute and after five.
    retriesForMs: 10 * 60 * 1_000,
    verify: timedSignature(secretList(signingSecret), toleranceMs, (headers) => {
      const timestamp = headers.get("x-slack-request-timestamp");
      const hex = /^v0=(.*)$/.exec(headers.get("x-slack-signature") ?? "")?.[1] ?? "";
      return { timestamp, signatures: [fromHex(hex)], prefix: `v0:${timestamp}:` };
    }),
    async handshake({ body }) {
      const message = parseJson(body);
      if (!isObject(message) || message["type"] !== "url_verification") return undefined;
      const challenge = optionalText(message, "challenge") ?? "";
      return new Response(challenge, { headers: { "content-type": "text/plain; charset=utf-8" } });
    },
    identify(request) {
      const message = jsonObject(request);
      const team = optionalText(message, "team_id");
      const kind = optionalText(message["event"], "type") ?? optionalText(message, "type") ?? "event";
      return {
        source: senderScope.slack(team, bodyMember(message, "api_app_id")),
        id: bodyMember(message, "event_id"),
        type: `com.slack.${kind}`,
      };
    },
  };
}
