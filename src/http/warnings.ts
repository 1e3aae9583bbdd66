import { callListener } from "../internal/call-listener.ts";
import type { Source } from "./source.ts";

/** A setting under which an event may run twice or be suppressed wrongly. */
export interface WebhookWarning {
  /** Kind of the risk. */
  readonly code: "shared-scope" | "unsigned-id" | "unverified" | "window-too-short";
  /** The risk, its reason, and the remedy. */
  readonly message: string;
}

/** Options of a receiver for the events of a source. Events that go to a stream have no window. */
export interface SourceUse {
  readonly windowMs?: number;
  readonly keepsResponses: boolean;
}

/** Reports the risks of a source. */
export function checkSource(
  source: Source,
  { windowMs, keepsResponses }: SourceUse,
  onWarning: (warning: WebhookWarning) => void = emitWarning,
): void {
  const warn = (code: WebhookWarning["code"], message: string) => callListener(onWarning, { code, message });
  if (source.verify === undefined) {
    warn(
      "unverified",
      `Requests of ${source.name} are not verified: anyone who reaches the route can send events. ` +
        "Give the source a `verify` function, or protect the route",
    );
  } else if (!source.signsId) {
    warn(
      "unsigned-id",
      `${source.name} does not sign event ids: a recorded request can be replayed under a new id. ` +
        "Use HTTPS only, and make the effect idempotent where that matters",
    );
  }
  if (keepsResponses && source.sharesScope === true) {
    warn(
      "shared-scope",
      `All callers of ${source.name} share one scope: a caller that guesses a key gets the stored response of another. ` +
        "Set `scope` to the caller's account, or `keepResponse` to false",
    );
  }
  const { retriesForMs } = source;
  if (windowMs !== undefined && retriesForMs !== undefined && windowMs < retriesForMs) {
    warn(
      "window-too-short",
      `${source.name} retries for ${retriesForMs} ms, longer than the window of ${windowMs} ms: ` +
        `a late retry would be dispatched again. Set \`windowMs\` to at least ${retriesForMs}`,
    );
  }
}

function emitWarning({ code, message }: WebhookWarning): void {
  process.emitWarning(message, {
    type: "LatchkeyWarning",
    code: `LATCHKEY_${code.toUpperCase().replaceAll("-", "_")}`,
  });
}
