import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { millis, nanos } from "@nats-io/nats-core";
import { bucketStream, subjectsOf } from "../wire/subject.ts";
import type { BucketToOpen } from "./bucket.ts";
import { MAX_WINDOW_MS, type ResolvedNatsStoreOptions } from "./store-options.ts";

const DEFAULT_MAX_WINDOW_MS = 7 * 86_400_000;
const DEFAULT_DUPLICATE_WINDOW_MS = 120_000;

/** The configuration of a bucket that is to be created: a normal key-value bucket whose records have a time to live. */
export function newBucket(
  options: BucketToOpen,
  { isCluster, hasBatches }: { readonly isCluster: boolean; readonly hasBatches: boolean },
): Partial<StreamConfig> & Pick<StreamConfig, "name"> {
  const { bucket, replicas, storage, maxBytes = -1, maxWindowMs = DEFAULT_MAX_WINDOW_MS, firstRevision } = options;
  return {
    name: bucketStream(bucket),
    subjects: [subjectsOf(bucket)],
    retention: RetentionPolicy.Limits,
    storage: storage ?? StorageType.File,
    num_replicas: replicas ?? (isCluster ? 3 : 1),
    max_msgs_per_subject: 1,
    max_age: nanos(maxWindowMs),
    max_bytes: maxBytes,
    first_seq: firstRevision,
    // The server wants it no longer than `max_age`; nothing here is recognised by it.
    duplicate_window: nanos(Math.min(maxWindowMs, DEFAULT_DUPLICATE_WINDOW_MS)),
    discard: DiscardPolicy.New,
    allow_msg_ttl: true,
    allow_atomic: hasBatches,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
}

/** How long a bucket keeps records at most. */
export function maxWindowOf(config: StreamConfig): number {
  return config.max_age === 0 ? MAX_WINDOW_MS : Math.floor(millis(config.max_age));
}

type Setting = keyof StreamConfig;

/** A setting of a bucket that is not as it must be. */
export interface Difference {
  readonly setting: Setting;
  /** As JSON, or `unset`. */
  readonly is: string;
  readonly must: string;
  /** What follows from it. */
  readonly why: string;
}

export function differenceSentence({ setting, is, must, why }: Difference): string {
  return `\`${setting}\` is ${is}, must be ${must}: ${why}`;
}

/** What every bucket must have, whoever created it, and why. */
const required: ReadonlyArray<readonly [setting: Setting, right: unknown, why: string]> = [
  ["allow_msg_ttl", true, "without it no reservation ever ends"],
  ["subject_delete_marker_ttl", 0, "a limit marker can delete a record that was just written and acknowledged"],
  ["max_msgs_per_subject", 1, "a record that was replaced would come back when its successor ends"],
  ["discard", "new", "a full bucket would drop records that are in force, and their events would run again"],
  ["discard_new_per_subject", false, "a reservation could not be committed"],
  ["retention", "limits", "records would vanish when somebody reads them"],
  ["max_msgs", -1, "a bucket that is full by count refuses to commit and to release; set `max_bytes` instead"],
  ["persist_mode", "default", "with `async` the server acknowledges what it has not stored"],
  ["no_ack", false, "no write would be acknowledged"],
  ["deny_delete", true, "records could be deleted without leaving a trace"],
  ["allow_direct", true, "the bucket could not be listed"],
  ["sealed", false, "it could not be written"],
  ["mirror", undefined, "a mirror cannot decide who wins"],
  ["sources", undefined, "copied records are written without a compare-and-set"],
  ["subject_transform", undefined, "keys would be stored under other names"],
];

/** The settings that every bucket must have right. */
export const REQUIRED_SETTINGS: readonly Setting[] = ["subjects", ...required.map(([setting]) => setting)];

/** What the server leaves out of a configuration when it is so. */
const unsaid: Partial<Record<Setting, unknown>> = {
  allow_msg_ttl: false,
  allow_direct: false,
  deny_delete: false,
  discard_new_per_subject: false,
  max_msgs: -1,
  no_ack: false,
  persist_mode: "default",
  sealed: false,
  subject_delete_marker_ttl: 0,
};

/** What decides how a bucket must be; what is undefined may be as it is. */
export type WantedSettings = { readonly bucket: string } & Partial<
  Pick<ResolvedNatsStoreOptions, "storage" | "replicas" | "maxBytes" | "maxWindowMs">
>;

/** Every setting that is not as the guarantees need it, or not as the options say. */
export function differences(config: StreamConfig, wanted: WantedSettings): readonly Difference[] {
  const { bucket, storage, replicas, maxBytes, maxWindowMs } = wanted;
  const asked: ReadonlyArray<readonly [setting: Setting, right: unknown, option: string]> = [
    ["storage", storage, "storage"],
    ["num_replicas", replicas, "replicas"],
    ["max_bytes", maxBytes, "maxBytes"],
    ["max_age", maxWindowMs === undefined ? undefined : nanos(maxWindowMs), "maxWindowMs"],
  ];
  return [
    ...wrong(config, "subjects", [subjectsOf(bucket)], "keys would be stored elsewhere"),
    ...required.flatMap(([setting, right, why]) => wrong(config, setting, right, why)),
    ...asked.flatMap(([setting, right, option]) =>
      right === undefined ? [] : wrong(config, setting, right, `the option \`${option}\` says so`),
    ),
  ];
}

function wrong(config: StreamConfig, setting: Setting, right: unknown, why: string): readonly Difference[] {
  const is = inWords(config[setting] ?? unsaid[setting]);
  const must = inWords(right);
  return is === must ? [] : [{ setting, is, must, why }];
}

function inWords(value: unknown): string {
  return value === undefined ? "unset" : JSON.stringify(value);
}
