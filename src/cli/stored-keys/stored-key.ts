import type { DispatchFailure } from "../../model/failure.ts";
import type { ResolvedIdentity, StoreKey } from "../../model/identity.ts";
import type { CommitRecord, Fence, ReservationRecord } from "../../model/record.ts";

interface StoredFields {
  readonly bucket: string;
  readonly subject: string;
  readonly revision: number;
  /** Time of the write. All times here follow the server's clock. */
  readonly storedAtMs: number;
  /** Time at which the server removes the key. Undefined if it never does. */
  readonly endsAtMs: number | undefined;
}

export interface RecordFields extends StoredFields {
  readonly key: StoreKey;
  readonly identity: ResolvedIdentity;
  /** Fence of the reservation, known even for a first write, whose record does not contain it. */
  readonly fence: Fence;
}

export interface ReservedKey extends RecordFields {
  readonly state: "reserved";
  readonly record: ReservationRecord;
  /** Time at which the lease ends without a renewal, or slightly earlier. */
  readonly leaseEndsAtMs: number;
  /** Latest time at which the reservation can have begun: renewals hide the exact time. */
  readonly heldSinceMs: number;
}

export interface CommittedKey extends RecordFields {
  readonly state: "committed";
  readonly record: CommitRecord;
}

export interface UnreadableKey extends StoredFields {
  readonly state: "unreadable";
  /** Undefined if the subject is not a valid key. */
  readonly key: StoreKey | undefined;
  readonly reason: string;
}

/** The tombstone of a removed key. It lasts about a second, or an hour after a failed dispatch. */
export type RemovedKey = {
  readonly state: "removed";
  /** The failed dispatch after which the key was released. */
  readonly failure?: DispatchFailure | undefined;
} & Omit<StoredFields, "endsAtMs">;

/** A key of a bucket as an operator sees it. */
export type StoredKey = ReservedKey | CommittedKey | UnreadableKey;

export const STORED_STATES = ["reserved", "committed", "unreadable"] as const satisfies ReadonlyArray<
  StoredKey["state"]
>;

/** Returns the time since which a key has its state. */
export function sinceMs(stored: StoredKey): number {
  return stored.state === "reserved" ? stored.heldSinceMs : stored.storedAtMs;
}
