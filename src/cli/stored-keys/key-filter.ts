import type { KeyFilter } from "../../model/identity.ts";
import { subjectFilter, subjectsOf } from "../../nats/wire/subject.ts";
import { asCommandError } from "../terminal/command-error.ts";
import { dispatchOf, type ListedKey, sinceMs } from "./stored-key.ts";

/** Selects keys of a bucket. A missing filter matches all keys. */
export interface FilterFlags {
  readonly workspace?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly state?: ListedKey["state"];
  /** Part of the owner's name. */
  readonly owner?: string;
  /** Minimum age of the reservation or commit, in milliseconds. */
  readonly olderThan?: number;
  /** Maximum age of the reservation or commit, in milliseconds. */
  readonly newerThan?: number;
}

/**
 * Returns the subject pattern of the keys that can match.
 * @throws {CommandError} for an empty id.
 */
export function subjectsOfFilter(bucket: string, flags: FilterFlags): string {
  const { workspace, subscription, event } = flags;
  // Without a filter, messages that have no valid key match too.
  if (workspace === undefined && subscription === undefined && event === undefined) return subjectsOf(bucket);
  return asCommandError(() => subjectFilter(bucket, keyFilterOf(flags)));
}

/** Returns the ids of a filter. An event without its subscription is compared with each key instead. */
function keyFilterOf({ workspace, subscription, event }: FilterFlags): KeyFilter {
  return {
    ...(workspace === undefined ? {} : { workspaceId: workspace }),
    ...(subscription === undefined ? {} : { subscriptionId: subscription }),
    // The digest of a key covers both ids, so an event alone selects no subject.
    ...(event === undefined || subscription === undefined ? {} : { eventId: event }),
  };
}

/** Returns true if a key matches the filters that its subject does not express. Ages follow the server's clock. */
export function isMatch(stored: ListedKey, flags: FilterFlags, serverMs: number): boolean {
  const {
    state = stored.state,
    owner,
    event,
    olderThan = Number.NEGATIVE_INFINITY,
    newerThan = Number.POSITIVE_INFINITY,
  } = flags;
  const ageMs = serverMs - sinceMs(stored);
  const isOwned = owner === undefined || dispatchOf(stored)?.owner.includes(owner) === true;
  const isOfEvent = event === undefined || (stored.state !== "unreadable" && stored.identity.eventId === event);
  return stored.state === state && isOwned && isOfEvent && ageMs > olderThan && ageMs < newerThan;
}
