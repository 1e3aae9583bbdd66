import type { ResolvedIdentity, StoreKey } from "../../model/identity.ts";
import type { CommitRecord, Fence, ReservationRecord } from "../../model/record.ts";

interface KeptFields {
  readonly bucket: string;
  readonly subject: string;
  readonly revision: number;
  /** By the clock of the server, as all times here. */
  readonly storedAtMs: number;
  /** When the server removes it; undefined: never. */
  readonly endsAtMs: number | undefined;
}

export interface RecordFields extends KeptFields {
  readonly key: StoreKey;
  readonly identity: ResolvedIdentity;
  /** Also of a first write, whose record does not have it yet. */
  readonly fence: Fence;
}

export interface ReservedKey extends RecordFields {
  readonly state: "reserved";
  readonly record: ReservationRecord;
  /** When its holder lets go of it unless it is renewed, or a little before. */
  readonly leaseEndsAtMs: number;
  /** Since when at the latest it is held: renewals hide when it began. */
  readonly heldSinceMs: number;
}

export interface CommittedKey extends RecordFields {
  readonly state: "committed";
  readonly record: CommitRecord;
}

export interface UnreadableKey extends KeptFields {
  readonly state: "unreadable";
  /** Undefined when it does not even stand where a key could. */
  readonly key: StoreKey | undefined;
  readonly reason: string;
}

/** The mark of a removal, which stands for a second where a record was. */
export type RemovedKey = { readonly state: "removed" } & Omit<KeptFields, "endsAtMs">;

/** What a bucket holds under one subject, for an operator. */
export type StoredKey = ReservedKey | CommittedKey | UnreadableKey;

export const KEPT_STATES = ["reserved", "committed", "unreadable"] as const satisfies ReadonlyArray<StoredKey["state"]>;

/** Since when a key is as it is: held, at the latest; or written. */
export function sinceMs(kept: StoredKey): number {
  return kept.state === "reserved" ? kept.heldSinceMs : kept.storedAtMs;
}
