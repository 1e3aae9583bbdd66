import type { CommittedKey, RemovedKey, ReservedKey, StoredKey } from "../stored-keys/stored-key.ts";
import { span } from "../terminal/format.ts";
import { escaped } from "../terminal/printable.ts";

/** Expected outcome of a delivery of the event now. `none` means that the key belongs to no event. */
export type DeliveryOutcome = "dispatched" | "duplicate" | "pending" | "refused" | "none";

/** Expected outcome of a delivery, and its reason. */
export interface KeyExplanation {
  readonly delivery: DeliveryOutcome;
  /** The reason, as a clause. */
  readonly because: string;
}

const OUTCOMES: Readonly<Record<DeliveryOutcome, string>> = {
  dispatched: "A delivery would be dispatched",
  duplicate: "Deliveries are suppressed as duplicates",
  pending: "Deliveries are pending and come back later",
  refused: "Deliveries are refused and come back later",
  none: "The key belongs to no event",
};

/** Formats an explanation as text. */
export function explanationText({ delivery, because }: KeyExplanation): string {
  return `${OUTCOMES[delivery]}: ${because}.`;
}

/** @param stored undefined if the bucket holds neither a record nor a tombstone. */
export function explain(stored: StoredKey | RemovedKey | undefined, serverMs: number): KeyExplanation {
  if (stored === undefined) {
    return {
      delivery: "dispatched",
      because:
        "the bucket holds no key for the event. It was never delivered, its dispatch failed, its key was cleared, or its window or lease ended",
    };
  }
  switch (stored.state) {
    case "removed":
      return {
        delivery: "dispatched",
        because: `its dispatch failed or its key was cleared ${span(serverMs - stored.storedAtMs)} ago`,
      };
    case "unreadable":
      if (stored.key === undefined) return { delivery: "none", because: escaped(stored.reason) };
      return {
        delivery: "refused",
        because: `${escaped(stored.reason)}. The event cannot be dispatched until the record is removed`,
      };
    case "committed":
      return {
        delivery: "duplicate",
        because: `${escaped(stored.record.owner)} committed the event ${span(serverMs - stored.storedAtMs)} ago, ${attempt(stored)}; ${windowClause(stored.endsAtMs, serverMs)}`,
      };
    case "reserved":
      return { delivery: "pending", because: reservedSentence(stored, serverMs) };
  }
}

function reservedSentence(stored: ReservedKey, serverMs: number): string {
  const { record, leaseEndsAtMs, heldSinceMs } = stored;
  const owner = escaped(record.owner);
  if (leaseEndsAtMs <= serverMs) {
    return `the lease of ${owner}, ${attempt(stored)}, ended ${span(serverMs - leaseEndsAtMs)} ago: the process crashed or is suspended. ${expiryClause(stored, serverMs)}`;
  }
  const held = `${owner} has dispatched the event for at least ${span(serverMs - heldSinceMs)}, ${attempt(stored)}`;
  return `${held}; its lease ends in ${span(leaseEndsAtMs - serverMs)}. ${renewalClause(stored, serverMs)}`;
}

/** Holders renew after a third of the lease. Two thirds without a renewal suggest that the holder is gone. */
function renewalClause({ storedAtMs, record, fence, revision }: ReservedKey, serverMs: number): string {
  const unrenewedMs = serverMs - storedAtMs;
  if (unrenewedMs * 3 > record.leaseMs * 2) {
    return `It was not renewed for ${span(unrenewedMs)}: its holder may be gone, and then the key is free once the lease ends`;
  }
  return fence === revision ? "It is new and was not yet renewed" : `It was renewed ${span(unrenewedMs)} ago`;
}

function expiryClause({ endsAtMs, record }: ReservedKey, serverMs: number): string {
  if (endsAtMs !== undefined && endsAtMs <= serverMs) return "The server should have removed the key by now";
  // A reservation written with a TTL expires soon after its lease.
  if (endsAtMs !== undefined && endsAtMs - serverMs <= record.leaseMs) {
    return `The server removes the key in ${span(endsAtMs - serverMs)}`;
  }
  return "The server does not remove the key; a replica takes it over after a lease without a renewal";
}

function windowClause(endsAtMs: number | undefined, serverMs: number): string {
  if (endsAtMs === undefined) return "the window never ends";
  if (endsAtMs <= serverMs) return "the window has ended, and the server is about to remove the key";
  return `the window ends in ${span(endsAtMs - serverMs)}`;
}

function attempt({ record }: ReservedKey | CommittedKey): string {
  return `attempt ${record.attempt}`;
}
