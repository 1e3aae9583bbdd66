import type { DeadLetter } from "../../model/dead-letter.ts";
import type { FailureFacts } from "../conclusions/verdict.ts";
import type { TracedAttempt } from "../trace/attempt.ts";
import type { TransitionId } from "../trace/lifecycle.ts";
import type { Notice } from "../trace/notice-log.ts";
import type { SeriesPoint } from "../trace/series.ts";
import type { KeyedIdentity, TraceEvent, TraceType } from "../trace/trace-event.ts";

// The JSON that the server sends to the page.

/** A link from an event to another system, such as its logs. */
export interface EventLink {
  /** Text of the link. */
  readonly name: string;
  /**
   * Address, starting with `http://` or `https://`. These are replaced: `{key}` (the dedup key), `{storeKey}`, `{workspaceId}`,
   * `{subscriptionId}` and `{eventId}`.
   */
  readonly template: string;
}

/** Source of the inspected events. A process reports every event, a cluster only what its store shows, and a file is a recording. */
export interface SourceInfo {
  readonly sees: "process" | "cluster" | "file";
  /** Name for people. */
  readonly name: string;
  /** True if keys can be cleared. */
  readonly canChange: boolean;
  /** True if changes need the token. */
  readonly needsToken: boolean;
  /** True if the inspector shows dead letters. */
  readonly hasDeadLetters: boolean;
  /** Links from an event to other systems. */
  readonly links: readonly EventLink[];
  /** Time for which the store keeps a reservation after its lease, in milliseconds. */
  readonly skewMs: number;
  /** Length of a point of the chart, in milliseconds. */
  readonly bucketMs: number;
}

/** An attempt as the page receives it. */
export type ShownAttempt = Omit<TracedAttempt, "began" | "changed">;

/** Reachability of the store, with the latest outage. */
export type StoreHealth =
  | { readonly state: "available"; readonly outage?: { readonly fromMs: number; readonly toMs: number } }
  | { readonly state: "unavailable"; readonly sinceMs: number; readonly reason: string };

/** Everything except attempts. Counts begin with the recording. */
export interface Overview {
  /** Time by the clock of the recording. */
  readonly nowMs: number;
  readonly totals: Readonly<Partial<Record<TraceType, number>>>;
  readonly transitions: Readonly<Record<TransitionId, number>>;
  /** Points of the chart that changed since the last message. */
  readonly points: readonly SeriesPoint[];
  /** The latest events since the last message, oldest first. */
  readonly trace: readonly TraceEvent[];
  /** All notices, if they changed since the last message. */
  readonly notices?: readonly Notice[];
  readonly store: StoreHealth;
}

/** A message of the feed. */
export type FeedMessage =
  /** The page starts from scratch. The attempts follow in several messages. */
  | { readonly type: "begin"; readonly source: SourceInfo; readonly overview: Overview }
  | {
      readonly type: "update";
      readonly overview?: Overview;
      readonly attempts: readonly ShownAttempt[];
      readonly gone: readonly string[];
      /** True if more attempts of the same batch follow. */
      readonly more: boolean;
    };

/** The record of a key, without the handler's result. */
export interface ShownRecord {
  readonly state: "reserved" | "committed";
  readonly owner: string;
  readonly attempt: number;
  readonly fence: number;
  readonly revision: number;
  readonly leaseMs: number;
  /** Time of the write, by the writer's clock. */
  readonly atMs: number;
  /** Time from the reservation's first write to this one, in milliseconds; 0 for a commit. */
  readonly heldMs: number;
  /** Fence of the reservation of a silent holder that this one followed, if its owner saw that one. */
  readonly tookOverFrom?: number;
  readonly hasResult: boolean;
}

/** A key of the store, as listed, or an empty key whose last dispatch failed. */
export interface KeyRow extends Pick<ShownRecord, "owner" | "attempt" | "fence" | "atMs"> {
  readonly identity: KeyedIdentity;
  readonly state: ShownRecord["state"] | "failed";
  /** Revision of the record; 0 for an empty key. */
  readonly revision: number;
  /** Error of the failed dispatch; otherwise empty. */
  readonly error: string;
}

/** The names that occur most often in one field of the matching keys. */
export interface KeyGroup {
  readonly field: "subscription" | "owner" | "error";
  readonly names: ReadonlyArray<{ readonly name: string; readonly count: number }>;
}

/** One page of the table of all keys. */
export interface KeyPage {
  readonly rows: readonly KeyRow[];
  /** Fields in which the matching keys differ. */
  readonly groups: readonly KeyGroup[];
  /** Number of keys in the store, or of failed events if the filter selects them, and of those that match. */
  readonly total: number;
  readonly matching: number;
  /** Error of a record that cannot be read, or an empty text. */
  readonly unreadable: string;
  /** Time of the listing, by the server's clock. */
  readonly listedAtMs: number;
}

/** A key that a bulk action changes, at the revision that was listed. */
export type MatchingKey = Pick<KeyRow, "identity" | "state" | "revision">;

/** A dead letter, without its payload. */
export interface LetterRow extends Omit<DeadLetter, "identity"> {
  readonly identity?: KeyedIdentity;
}

/** The oldest dead letters. */
export interface LetterList {
  readonly letters: readonly LetterRow[];
  /** True if there are more letters than are listed. */
  readonly hasMore: boolean;
}

/** An event that a search found. `none` means that the key is empty, and that no failure is known. */
export interface FoundEvent {
  readonly identity: KeyedIdentity;
  readonly state: KeyRow["state"] | "none";
}

/** Result of a search. */
export interface SearchResult {
  readonly events: readonly FoundEvent[];
  /** Why the store could not be searched, or an empty text. */
  readonly incomplete: string;
}

/** Everything known about one event. */
export interface EventDetail {
  readonly identity: KeyedIdentity;
  /** The key's record, `null` for an empty key, or `undefined` if the store cannot be asked, as in a recording. */
  readonly record: ShownRecord | null | undefined;
  /** The failed dispatch after which the key was released, if the key is empty and the store keeps it. */
  readonly failure?: FailureFacts;
  /** Events of the key, oldest first, as far as they are remembered. */
  readonly trace: readonly TraceEvent[];
}
