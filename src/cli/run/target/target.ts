import type { IncomingEvent } from "../event/incoming-event.ts";

/** Reservation and signal of one dispatch. */
export interface TargetContext {
  /** Key to send downstream: the dedup key, scoped to the workspace. */
  readonly idempotencyKey: string;
  readonly fence: number;
  readonly attempt: number;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly signal: AbortSignal;
}

/** Why a dispatch failed. `via` is set if the requests go through a proxy. */
export type TargetFailure =
  | { readonly failure: "status"; readonly status: number; readonly retryAfterMs?: number; readonly via?: "proxy" }
  | { readonly failure: "unreachable"; readonly code: string | undefined; readonly via?: "proxy" }
  | { readonly failure: "not-started"; readonly code: string }
  | { readonly failure: "exit"; readonly exitCode: number }
  | { readonly failure: "killed"; readonly by: string }
  | { readonly failure: "timeout"; readonly timeoutMs: number; readonly of: TargetKind }
  | { readonly failure: "aborted" };

export type TargetKind = "endpoint" | "command";

/** Destination of events. */
export interface Target {
  readonly kind: TargetKind;
  /** Name for the output. */
  readonly name: string;
  /**
   * Dispatches an event. Returns undefined on success. Settles soon after the signal aborts, whatever the destination does.
   * @throws {CommandError} if the target cannot dispatch any event.
   */
  dispatch(event: IncomingEvent, context: TargetContext): Promise<TargetFailure | undefined>;
}

/** Statuses that reject the event itself, so that a retry cannot succeed. */
export const PERMANENT_STATUSES: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

/**
 * Returns true if a retry cannot succeed. All other statuses, such as redirects, 401, 403 and 404, can result from a wrong setting
 * of the endpoint, which must not lose events.
 */
export function isPermanent(failure: TargetFailure): boolean {
  return failure.failure === "status" && PERMANENT_STATUSES.has(failure.status);
}
