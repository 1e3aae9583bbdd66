import type { DispatchFailure } from "../../model/failure.ts";
import { span } from "./duration.ts";
import { evidenceOf, type LeaseClock, type ReservationTimes, suspicionOf } from "./suspicion.ts";

/** A failed dispatch, without the ids of its event. */
export type FailureFacts = Pick<DispatchFailure, "owner" | "attempt" | "atMs" | "error">;

/** Content of a key, by the clock of the reader. */
export type KeyContent =
  | { readonly state: "empty" }
  /** The store remembers the removal. */
  | { readonly state: "removed"; readonly removedAtMs: number; readonly failure?: FailureFacts | undefined }
  /** The record is not Latchkey's, or belongs to another event. */
  | { readonly state: "unreadable"; readonly reason: string }
  | {
      readonly state: "committed";
      readonly owner: string;
      readonly attempt: number;
      readonly committedAtMs: number;
      /** End of the window, infinite for never, or `undefined` if unknown. */
      readonly windowEndMs?: number | undefined;
    }
  | ({ readonly state: "reserved"; readonly owner: string } & ReservationTimes);

/** Outcome of the next delivery. */
export type NextDelivery = "dispatched" | "duplicate" | "pending" | "refused";

export interface Verdict {
  readonly next: NextDelivery;
  /** Full sentences for people. */
  readonly text: string;
}

/** Concludes from a key's content what happens to the event's next delivery. */
export function verdictOf(content: KeyContent, now: LeaseClock): Verdict {
  const { nowMs } = now;
  switch (content.state) {
    case "empty":
      return {
        next: "dispatched",
        text: "The key is empty, so the next delivery is dispatched. Its lease or window ended, its dispatch failed, its key was cleared, or it never arrived.",
      };
    case "removed":
      if (content.failure !== undefined) return { next: "dispatched", text: failedText(content.failure, now) };
      return {
        next: "dispatched",
        text: `The key was released or cleared ${span(nowMs - content.removedAtMs)} ago, so the next delivery is dispatched.`,
      };
    case "unreadable":
      return {
        next: "refused",
        text: `The next delivery is refused: ${content.reason}. Clear the key to let the event run.`,
      };
    case "committed": {
      const { owner, attempt, committedAtMs, windowEndMs } = content;
      const commit = `${owner} committed the event ${span(nowMs - committedAtMs)} ago at attempt ${attempt}`;
      return { next: "duplicate", text: `${commit}. ${windowSentence(windowEndMs, nowMs)}` };
    }
    case "reserved":
      return { next: "pending", text: reservedText(content, now) };
  }
}

function failedText({ owner, attempt, atMs, error }: FailureFacts, { nowMs }: LeaseClock): string {
  const when = span(Math.max(0, nowMs - atMs));
  return `The handler on ${owner} failed ${when} ago at attempt ${attempt} (${error}), so the key was released. The next delivery is dispatched.`;
}

function reservedText(reservation: ReservationTimes & { readonly owner: string }, now: LeaseClock): string {
  const { owner, attempt, beganAtMs, leaseFromMs, leaseMs } = reservation;
  const leftMs = leaseFromMs + leaseMs - now.nowMs;
  if (leftMs <= 0) {
    return `The lease of ${owner} ended ${span(-leftMs)} ago at attempt ${attempt}, so it crashed or hangs. The next delivery is dispatched once the store has removed the record.`;
  }
  const suspicion = suspicionOf(reservation, now);
  // The sentence contains the evidence of the others.
  const isNew = suspicion === "silent" || suspicion === "endless";
  const evidence = isNew ? ` (${evidenceOf(suspicion, reservation, now)})` : "";
  const held = `${owner} has held the key for ${span(now.nowMs - beganAtMs)} at attempt ${attempt}${evidence}`;
  return `${held}. The next delivery is pending for the rest of the lease, ${span(leftMs)}, or until the handler ends.`;
}

function windowSentence(windowEndMs: number | undefined, nowMs: number): string {
  if (windowEndMs === undefined) return "The next delivery is suppressed until the window ends or the key is cleared.";
  if (windowEndMs === Number.POSITIVE_INFINITY) return "Deliveries are suppressed until the key is cleared.";
  if (windowEndMs <= nowMs) return "Its window is over, and the store is about to remove the key.";
  return `Deliveries are suppressed for another ${span(windowEndMs - nowMs)}, until the window ends.`;
}
