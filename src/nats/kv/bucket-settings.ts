import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { millis, nanos } from "@nats-io/nats-core";
import { bucketStream, subjectsOf } from "../wire/subject.ts";
import { STARTS_AT_TIME } from "./revision-offset.ts";
import { CLUSTER_REPLICAS, MAX_WINDOW_MS, type ResolvedNatsStoreOptions } from "./store-options.ts";

/** Longer than the retries of nearly all webhook senders (docs/receiving-webhooks.md). */
const DEFAULT_MAX_WINDOW_MS = 7 * 86_400_000;
/** The server's default. */
const DEFAULT_DUPLICATE_WINDOW_MS = 120_000;

/** Settings of a bucket to create. */
export interface NewBucketOptions extends WantedSettings {
  /** Revision of the bucket's first write. */
  readonly firstRevision: number;
}

/** Returns the configuration of a new bucket: an ordinary key-value bucket whose records have a time to live. */
export function newBucket(
  options: NewBucketOptions,
  { isCluster, hasBatches }: { readonly isCluster: boolean; readonly hasBatches: boolean },
): Partial<StreamConfig> & Pick<StreamConfig, "name"> {
  const { bucket, replicas, storage, maxBytes = -1, maxWindowMs = DEFAULT_MAX_WINDOW_MS, firstRevision } = options;
  return {
    name: bucketStream(bucket),
    subjects: [subjectsOf(bucket)],
    retention: RetentionPolicy.Limits,
    storage: storage ?? StorageType.File,
    num_replicas: replicas ?? (isCluster ? CLUSTER_REPLICAS : 1),
    max_msgs_per_subject: 1,
    max_age: nanos(maxWindowMs),
    max_bytes: maxBytes,
    first_seq: firstRevision,
    metadata: { ...STARTS_AT_TIME },
    // The server requires that it is at most `max_age`. Latchkey does not use it.
    duplicate_window: nanos(Math.min(maxWindowMs, DEFAULT_DUPLICATE_WINDOW_MS)),
    discard: DiscardPolicy.New,
    allow_msg_ttl: true,
    allow_atomic: hasBatches,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  };
}

/** Returns how long a bucket keeps records, in milliseconds. */
export function maxWindowOf(config: StreamConfig): number {
  return config.max_age === 0 ? MAX_WINDOW_MS : Math.floor(millis(config.max_age));
}

type Setting = keyof StreamConfig;

/** A setting of a bucket with the wrong value. */
export interface SettingDifference {
  readonly setting: Setting;
  /** Value as JSON, or `unset`. */
  readonly is: string;
  readonly must: string;
  /** Consequence of the wrong value. */
  readonly why: string;
}

export function differenceSentence({ setting, is, must, why }: SettingDifference): string {
  return `\`${setting}\` is ${is}, must be ${must}: ${why}`;
}

/** Settings that every bucket needs, with the consequence of another value. */
const required: ReadonlyArray<readonly [setting: Setting, right: unknown, why: string]> = [
  ["allow_msg_ttl", true, "without it no reservation ever ends"],
  ["subject_delete_marker_ttl", 0, "a limit marker can delete a record that was just written and acknowledged"],
  ["max_msgs_per_subject", 1, "a replaced record would come back when its successor expires"],
  ["discard", "new", "a full bucket would drop valid records, and their events would run again"],
  ["discard_new_per_subject", false, "a reservation could not be committed"],
  ["retention", "limits", "records would vanish when they are read"],
  ["max_msgs", -1, "a bucket that is full by count refuses commits and releases; set `max_bytes` instead"],
  ["persist_mode", "default", "with `async` the server acknowledges writes that it has not stored"],
  ["no_ack", false, "no write would be acknowledged"],
  ["deny_delete", true, "records could be deleted without a trace"],
  ["allow_direct", true, "the bucket could not be listed"],
  ["sealed", false, "it could not be written"],
  ["mirror", undefined, "a mirror cannot decide who wins"],
  ["sources", undefined, "copied records are written without a compare-and-set"],
  ["subject_transform", undefined, "keys would be stored under other names"],
];

/** Names of the settings that every bucket needs. */
export const REQUIRED_SETTINGS: readonly Setting[] = ["subjects", ...required.map(([setting]) => setting)];

/** Returns true if a bucket has the settings that distinguish Latchkey's buckets from others. */
export function isLatchkeyBucket({ allow_msg_ttl, subject_delete_marker_ttl = 0, deny_delete }: StreamConfig): boolean {
  return allow_msg_ttl === true && subject_delete_marker_ttl === 0 && deny_delete;
}

/** Values that the server omits from a configuration. */
const omitted: Partial<Record<Setting, unknown>> = {
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

/** Settings that a caller asks for. An undefined one may have any value. */
export type WantedSettings = { readonly bucket: string } & Partial<
  Pick<ResolvedNatsStoreOptions, "storage" | "replicas" | "maxBytes" | "maxWindowMs">
>;

/** Returns every setting that breaks the guarantees. */
export function differences(config: StreamConfig, bucket: string): readonly SettingDifference[] {
  return [
    ...wrong(config, "subjects", [subjectsOf(bucket)], "keys would be stored elsewhere"),
    ...required.flatMap(([setting, right, why]) => wrong(config, setting, right, why)),
  ];
}

/** Returns every setting that differs from the options. */
export function optionDifferences(config: StreamConfig, wanted: WantedSettings): readonly SettingDifference[] {
  const { storage, replicas, maxBytes, maxWindowMs } = wanted;
  const asked: ReadonlyArray<readonly [setting: Setting, right: unknown, option: string]> = [
    ["storage", storage, "storage"],
    ["num_replicas", replicas, "replicas"],
    ["max_bytes", maxBytes, "maxBytes"],
    ["max_age", maxWindowMs === undefined ? undefined : nanos(maxWindowMs), "maxWindowMs"],
  ];
  return asked.flatMap(([setting, right, option]) =>
    right === undefined ? [] : wrong(config, setting, right, `the option \`${option}\` says so`),
  );
}

function wrong(config: StreamConfig, setting: Setting, right: unknown, why: string): readonly SettingDifference[] {
  const is = inWords(config[setting] ?? omitted[setting]);
  const must = inWords(right);
  return is === must ? [] : [{ setting, is, must, why }];
}

function inWords(value: unknown): string {
  return value === undefined ? "unset" : JSON.stringify(value);
}
