import type { CommittedKey, RemovedKey, ReservedKey, StoredKey } from "../bucket/stored-key.ts";
import { harmless, span } from "../terminal/style.ts";

/** What a delivery of an event comes to, by what the bucket holds now. */
export type DeliveryFate = "dispatched" | "duplicate" | "pending" | "refused" | "none";

export interface KeyVerdict {
  readonly delivery: DeliveryFate;
  /** Why that is so. */
  readonly because: string;
}

const FATES: Readonly<Record<DeliveryFate, string>> = {
  dispatched: "A delivery of it would be dispatched",
  duplicate: "Deliveries of it are suppressed as duplicates",
  pending: "Deliveries of it are put back",
  refused: "Deliveries of it are refused and put back",
  none: "It belongs to no event",
};

/** The whole verdict in words. */
export function verdictText({ delivery, because }: KeyVerdict): string {
  return `${FATES[delivery]}: ${because}.`;
}

/** @param kept undefined when the bucket holds nothing, not even the mark of a removal. */
export function verdictOf(kept: StoredKey | RemovedKey | undefined, serverMs: number): KeyVerdict {
  if (kept === undefined) {
    return {
      delivery: "dispatched",
      because:
        "the bucket holds nothing for it. It never came, or its dispatch failed and gave the key back, or it was cleared, or its window or its lease is over",
    };
  }
  switch (kept.state) {
    case "removed":
      return {
        delivery: "dispatched",
        because: `its dispatch failed and gave the key back, or it was cleared, ${span(serverMs - kept.storedAtMs)} ago`,
      };
    case "unreadable":
      if (kept.key === undefined) return { delivery: "none", because: harmless(kept.reason) };
      return {
        delivery: "refused",
        because: `${harmless(kept.reason)}. Nobody dispatches the event until that is gone`,
      };
    case "committed":
      return {
        delivery: "duplicate",
        because: `${harmless(kept.record.owner)} dispatched it and committed it ${span(serverMs - kept.storedAtMs)} ago, ${attempt(kept)}; ${windowClause(kept.endsAtMs, serverMs)}`,
      };
    case "reserved":
      return { delivery: "pending", because: reservedSentence(kept, serverMs) };
  }
}

function reservedSentence(kept: ReservedKey, serverMs: number): string {
  const { record, leaseEndsAtMs, heldSinceMs } = kept;
  const owner = harmless(record.owner);
  if (leaseEndsAtMs <= serverMs) {
    return `${owner} held it, ${attempt(kept)}, but its lease ended ${span(serverMs - leaseEndsAtMs)} ago: it crashed, or stands still. ${freeClause(kept, serverMs)}`;
  }
  const held = `${owner} has held it for ${span(serverMs - heldSinceMs)} at least and dispatches it, ${attempt(kept)}`;
  return `${held}; ${span(leaseEndsAtMs - serverMs)} of its lease are left. ${lifeClause(kept, serverMs)}`;
}

/** Leases are renewed when a third of them is over; two thirds without one mean that it does not come. */
function lifeClause({ storedAtMs, record, fence, revision }: ReservedKey, serverMs: number): string {
  const unrenewedMs = serverMs - storedAtMs;
  if (unrenewedMs * 3 > record.leaseMs * 2) {
    return `No renewal came for ${span(unrenewedMs)}: its holder may be gone, and then it is free when the lease is over`;
  }
  return fence === revision ? "It is young and not yet renewed" : `It was renewed ${span(unrenewedMs)} ago`;
}

function freeClause({ endsAtMs, record }: ReservedKey, serverMs: number): string {
  if (endsAtMs !== undefined && endsAtMs <= serverMs) return "The server should have removed it by now";
  // A reservation that was written with a time to live ends soon after its lease.
  if (endsAtMs !== undefined && endsAtMs - serverMs <= record.leaseMs) {
    return `The server frees it in ${span(endsAtMs - serverMs)}`;
  }
  return "The server does not free it by itself; a replica takes it over when it has seen it unchanged for that long";
}

function windowClause(endsAtMs: number | undefined, serverMs: number): string {
  if (endsAtMs === undefined) return "the window never ends";
  if (endsAtMs <= serverMs) return "its window is over, and the server is about to remove it";
  return `its window ends in ${span(endsAtMs - serverMs)}`;
}

function attempt({ record }: ReservedKey | CommittedKey): string {
  return `at attempt ${record.attempt}`;
}
