import type { KeyFilter } from "../../model/identity.ts";
import { subjectFilter, subjectsOf } from "../../nats/wire/subject.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import { type StoredKey, sinceMs } from "./stored-key.ts";

/** Selects keys of a bucket. A missing filter matches all keys. */
export interface FilterFlags {
  readonly workspace?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly state?: StoredKey["state"];
  /** Part of the owner's name. */
  readonly owner?: string;
  /** Minimum age of the reservation or commit, in milliseconds. */
  readonly olderThan?: number;
  /** Maximum age of the reservation or commit, in milliseconds. */
  readonly newerThan?: number;
}

/**
 * Returns the subject pattern of the keys that can match.
 * @throws {CommandError} for an event without its subscription, and for an empty id.
 */
export function subjectsOfFilter(bucket: string, flags: FilterFlags): string {
  const { workspace, subscription, event } = flags;
  // Without a filter, messages that have no valid key match too.
  if (workspace === undefined && subscription === undefined && event === undefined) return subjectsOf(bucket);
  return asCommandError(() => subjectFilter(bucket, keyFilterOf(flags)));
}

/** Returns the ids of a filter. @throws {CommandError} for an event without its subscription. */
export function keyFilterOf({ workspace, subscription, event }: FilterFlags): KeyFilter {
  if (event !== undefined && subscription === undefined)
    throw new CommandError("--event needs --subscription: only both together identify an event");
  return {
    ...(workspace === undefined ? {} : { workspaceId: workspace }),
    ...(subscription === undefined ? {} : { subscriptionId: subscription }),
    ...(event === undefined ? {} : { eventId: event }),
  };
}

/** Returns true if a key matches the filters that its subject does not express. Ages follow the server's clock. */
export function isMatch(stored: StoredKey, flags: FilterFlags, serverMs: number): boolean {
  const {
    state = stored.state,
    owner,
    olderThan = Number.NEGATIVE_INFINITY,
    newerThan = Number.POSITIVE_INFINITY,
  } = flags;
  const ageMs = serverMs - sinceMs(stored);
  const isOwned = owner === undefined || (stored.state !== "unreadable" && stored.record.owner.includes(owner));
  return stored.state === state && isOwned && ageMs > olderThan && ageMs < newerThan;
}
