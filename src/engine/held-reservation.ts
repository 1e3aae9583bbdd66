import type { CommitReport, Reservation } from "../model/decision.ts";
import type { Attempt } from "./attempt.ts";

/** The reservation that an attempt holds, with what only the deduplicator does with it. */
export type HeldReservation = ReturnType<typeof holdReservation>;

/**
 * Returns the reservation that an attempt holds. All members are own properties and need no `this`, so that a caller may spread or
 * destructure it.
 */
export function holdReservation(attempt: Attempt, owner: string) {
  const { key, idempotencyKey } = attempt.identity;
  const release = (): Promise<void> => attempt.release();
  return {
    decision: "unseen",
    key,
    idempotencyKey,
    fence: attempt.context.fence,
    attempt: attempt.context.attempt,
    owner,
    unprotected: attempt.context.unprotected,
    /** Created when it is first read: most handlers never do. */
    get signal(): AbortSignal {
      return attempt.promises.lostSignal;
    },
    commit: (result?: unknown): Promise<CommitReport> => attempt.commit(result),
    release,
    [Symbol.asyncDispose]: release,
    /** Returns true if the reservation is still held. Other work in this process may have taken longer than the lease. */
    mayBegin: (): boolean => attempt.mayBegin(),
    /** Releases the key because the handler threw. */
    fail: (error: unknown): Promise<void> => attempt.release({ error }),
  } satisfies Reservation & Record<"mayBegin" | "fail", unknown>;
}
