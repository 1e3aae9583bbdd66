import { callListener } from "../internal/call-listener.ts";
import type { EventReference } from "./source.ts";

/** Context of an error that a receiver answered. */
export interface WebhookErrorContext {
  /**
   * Kind of the failure:
   * - `misuse`: the receiver got a request whose body cannot be read any more;
   * - `source-failed`: the source or `workspaceId` threw;
   * - `unavailable`: the store or the stream failed;
   * - `refused`: the stream can never store the event (too large, or an invalid subject), or the store can never store its id (too
   *   long);
   * - `dispatch-failed`: the handler threw, or returned an invalid response or one with a status of 500 or more.
   */
  readonly code: "misuse" | "source-failed" | "unavailable" | "refused" | "dispatch-failed";
  /** The event, if the source found it before the failure. */
  readonly event?: EventReference;
}

/** Receives the errors whose details the sender does not get. */
export type WebhookErrorListener = (error: unknown, context: WebhookErrorContext) => void;

/** Reports an error to the operator. What the listener throws does not change the answer. */
export function reportError(
  onError: WebhookErrorListener | undefined,
  error: unknown,
  context: WebhookErrorContext,
): void {
  const listener = onError ?? emitWarning;
  callListener((given) => listener(error, given), context);
}

/** Names the kind of the error only: its message may contain a payload. */
function emitWarning(error: unknown, { code }: WebhookErrorContext): void {
  const name = error instanceof Error ? error.name : typeof error;
  process.emitWarning(
    `A webhook receiver answered ${name} (${code}) with an error. Set \`onError\` to get its details`,
    {
      type: "LatchkeyWarning",
      code: `LATCHKEY_WEBHOOK_${code.toUpperCase().replaceAll("-", "_")}`,
    },
  );
}
