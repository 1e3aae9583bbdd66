import type { Attempt } from "../trace/attempt.ts";
import type { Notice } from "../trace/attention.ts";
import type { TransitionId } from "../trace/lifecycle.ts";
import type { Point } from "../trace/series.ts";
import type { EventRef, TraceEvent, TraceType } from "../trace/trace-event.ts";

// What the server tells the page, as JSON.

/** What is looked at: a process, every step of it; a cluster, as far as its store tells; or a file. */
export interface SourceInfo {
  readonly sees: "process" | "cluster" | "file";
  /** For people. */
  readonly name: string;
  /** Whether keys can be released and cleared. */
  readonly canChange: boolean;
  /** How much longer than its lease the store keeps a reservation, in milliseconds. */
  readonly skewMs: number;
  /** How long a point of the chart is, in milliseconds. */
  readonly bucketMs: number;
}

/** A flight as the page has it. */
export type ShownAttempt = Omit<Attempt, "began" | "changed">;

/** What can be said in a few numbers; all of them counted since the recording began. */
export interface Overview {
  /** By the clock of the recording. */
  readonly nowMs: number;
  readonly totals: Readonly<Partial<Record<TraceType, number>>>;
  readonly transitions: Readonly<Record<TransitionId, number>>;
  /** The points of the chart that changed since the last message. */
  readonly points: readonly Point[];
  /** The latest of the steps since the last message, oldest first. */
  readonly steps: readonly TraceEvent[];
  /** All of them, when they changed since the last message. */
  readonly notices?: readonly Notice[];
  /** Why the store cannot be watched at the moment; empty when it can. */
  readonly trouble: string;
}

/** A message of the feed. */
export type Message =
  /** The page begins anew: what is in flight follows, in several messages. */
  | { readonly type: "begin"; readonly source: SourceInfo; readonly overview: Overview }
  | {
      readonly type: "update";
      readonly overview?: Overview;
      readonly flights: readonly ShownAttempt[];
      readonly gone: readonly string[];
      /** Whether more of what is in flight follows before all of it was told. */
      readonly more: boolean;
    };

/** What the store holds under a key, but for what the handler returned. */
export interface ShownRecord {
  readonly state: "reserved" | "committed";
  readonly owner: string;
  readonly attempt: number;
  readonly fence: number;
  readonly revision: number;
  readonly leaseMs: number;
  /** When it was written, by the writer's clock. */
  readonly atMs: number;
  readonly hasResult: boolean;
}

/** All that is known of one event. */
export interface EventDetail {
  readonly identity: EventRef;
  /** `null` when the key holds nothing; `undefined` when nobody can say, as in a recorded run. */
  readonly holds: ShownRecord | null | undefined;
  /** Oldest first; the earliest may be forgotten. */
  readonly steps: readonly TraceEvent[];
}
