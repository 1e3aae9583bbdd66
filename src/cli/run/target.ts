import type { DedupKey } from "../../model/identity.ts";
import type { IncomingEvent } from "./incoming.ts";

/** What a dispatch is given besides the event. */
export interface DispatchContext {
  readonly key: DedupKey;
  readonly fence: number;
  readonly attempt: number;
  readonly subscriptionId: string;
  readonly signal: AbortSignal;
}

/** Why a dispatch did not succeed. */
export type DispatchFailure =
  | { readonly failure: "status"; readonly status: number; readonly retryAfterMs?: number }
  | { readonly failure: "unreachable"; readonly code: string | undefined }
  | { readonly failure: "not-started"; readonly code: string }
  | { readonly failure: "exit"; readonly exitCode: number }
  | { readonly failure: "killed"; readonly by: string }
  | { readonly failure: "timeout"; readonly timeoutMs: number }
  | { readonly failure: "aborted" };

/** Where events go. */
export interface Target {
  /** For people. */
  readonly name: string;
  /**
   * Hands the event over; `undefined` is success.
   * @throws {UnusableError} when no event at all can be dispatched here.
   */
  dispatch(event: IncomingEvent, context: DispatchContext): Promise<DispatchFailure | undefined>;
}

/** The endpoint has judged this very event: sending it again changes nothing. */
const PERMANENT_STATUSES: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

/**
 * Whether a failure stands however often the event is sent. Any other status, redirects and 401, 403 and 404 among them, speaks
 * of the endpoint rather than of the event: giving up on it would lose events to a wrong setting.
 */
export function isPermanent(failure: DispatchFailure): boolean {
  return failure.failure === "status" && PERMANENT_STATUSES.has(failure.status);
}
