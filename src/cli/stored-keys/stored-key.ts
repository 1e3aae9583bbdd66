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
  /** Time at which the reservation began. */
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

/** The tombstone of a key that was released without a failure, or cleared. It lasts about a second. */
export type RemovedKey = { readonly state: "removed" } & Omit<StoredFields, "endsAtMs">;

/** An empty key whose last dispatch failed. Its tombstone remembers the failure for an hour. */
export interface FailedKey extends Omit<RecordFields, "fence"> {
  readonly state: "failed";
  readonly failure: DispatchFailure;
}

/** A key of a bucket as an operator sees it. */
export type StoredKey = ReservedKey | CommittedKey | UnreadableKey;

/** A key, or an empty one whose dispatch failed. */
export type ListedKey = StoredKey | FailedKey;

export const STORED_STATES = ["reserved", "committed", "unreadable"] as const satisfies ReadonlyArray<
  StoredKey["state"]
>;
export const LISTED_STATES = [...STORED_STATES, "failed"] as const satisfies ReadonlyArray<ListedKey["state"]>;

/** Returns the owner and the attempt of the reservation or commit, or of the failed dispatch. Undefined for an unreadable key. */
export function dispatchOf(listed: ListedKey): { readonly owner: string; readonly attempt: number } | undefined {
  switch (listed.state) {
    case "unreadable":
      return undefined;
    case "failed":
      return listed.failure;
    case "reserved":
    case "committed":
      return listed.record;
  }
}

/** Returns the time since which a key has its state. */
export function sinceMs(stored: ListedKey): number {
  return stored.state === "reserved" ? stored.heldSinceMs : stored.storedAtMs;
}
