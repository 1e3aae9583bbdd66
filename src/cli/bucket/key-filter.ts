import type { KeyFilter } from "../../model/identity.ts";
import { subjectFilter, subjectsOf } from "../../nats/wire/subject.ts";
import { UnusableError, usable } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";
import { type StoredKey, sinceMs } from "./stored-key.ts";

/** Which keys of a bucket a command is about; what is missing matches all. */
export interface FilterFlags {
  readonly workspace?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly state?: StoredKey["state"];
  /** A part of the owner's name. */
  readonly owner?: string;
  /** How long the key is as it is, in milliseconds. */
  readonly olderThan?: number;
  readonly newerThan?: number;
}

/** The subjects of a bucket that can match. @throws {UnusableError} for an event without its subscription, and for an empty id. */
export function subjectsOfFilter(bucket: string, { workspace, subscription, event }: FilterFlags): string {
  // Without a filter, also what has no place in the bucket.
  if (workspace === undefined && subscription === undefined && event === undefined) return subjectsOf(bucket);
  if (event !== undefined && subscription === undefined) throw new UnusableError(sentences.eventNeedsSubscription);
  const filter: KeyFilter = {
    ...(workspace === undefined ? {} : { workspaceId: workspace }),
    ...(subscription === undefined ? {} : { subscriptionId: subscription }),
    ...(event === undefined ? {} : { eventId: event }),
  };
  return usable(() => subjectFilter(bucket, filter));
}

/** Tells of the keys under those subjects which match; ages are by the server's clock. */
export function isMatch(kept: StoredKey, flags: FilterFlags, serverMs: number): boolean {
  const {
    state = kept.state,
    owner,
    olderThan = Number.NEGATIVE_INFINITY,
    newerThan = Number.POSITIVE_INFINITY,
  } = flags;
  const ageMs = serverMs - sinceMs(kept);
  const isOwned = owner === undefined || (kept.state !== "unreadable" && kept.record.owner.includes(owner));
  return kept.state === state && isOwned && ageMs > olderThan && ageMs < newerThan;
}
