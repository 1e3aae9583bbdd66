import type { StreamInfo } from "@nats-io/jetstream";

/** Metadata entry of the bucket's stream with the offset that `latchkey raise-fences` wrote. */
const OFFSET_ENTRY = "latchkey_revision_offset";
/** Metadata entry of a bucket whose first revision is the time of its creation, by the clock of the replica that created it. */
export const STARTS_AT_TIME: Readonly<Record<string, string>> = { latchkey_first_revision: "microseconds" };

/** Difference between the clocks of a replica and a server that is not corrected, in microseconds. */
const TOLERANCE_US = 60_000_000;

type Settings = Pick<StreamInfo["config"], "metadata">;
/** The parts of a stream's information that its revisions depend on. */
export type NumberedStream = Pick<StreamInfo, "created"> & {
  readonly config: Settings;
  readonly state: Pick<StreamInfo["state"], "last_seq">;
};

/**
 * Returns what to add to the sequence numbers of a bucket's stream to get its revisions: 0, unless the fences were raised. It depends
 * on the stream's configuration only, so that all replicas compute the same. The time of creation would not do: after a restore, the
 * servers of a cluster report different times.
 */
export function revisionOffset({ config: { metadata = {} } }: { readonly config: Settings }): number {
  const raised = Number(metadata[OFFSET_ENTRY] ?? 0);
  return Number.isSafeInteger(raised) ? Math.max(0, raised) : 0;
}

/**
 * Returns true if a bucket's next revisions may repeat earlier fences. They are lower than the time of its creation, although its
 * revisions started at the time. Either it was restored from a backup, or the replica that created it had a clock that was behind.
 */
export function mayRepeatFences(info: NumberedStream): boolean {
  const { metadata = {} } = info.config;
  const startsAtTime = Object.entries(STARTS_AT_TIME).every(([name, value]) => metadata[name] === value);
  return startsAtTime && createdUs(info) - lastRevision(info) > TOLERANCE_US;
}

/** Returns the time of creation of a bucket by its server's clock, in microseconds since 1970. Later fences are higher. */
export function createdUs({ created }: Pick<StreamInfo, "created">): number {
  return Math.ceil(Date.parse(created) * 1_000);
}

/** Returns the highest revision that was given out since the bucket was created or restored. */
export function lastRevision(info: NumberedStream): number {
  return info.state.last_seq + revisionOffset(info);
}

/** Returns the highest fence that a bucket may have given out, also before it was restored. */
export function highestFence(info: NumberedStream): number {
  return mayRepeatFences(info) ? createdUs(info) : lastRevision(info);
}

/** Returns the metadata of a bucket without what its revisions depend on, for a new bucket that starts high enough. */
export function withoutOffset(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Set([OFFSET_ENTRY, ...Object.keys(STARTS_AT_TIME)]);
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.has(name)));
}

/** Largest fence that can be raised to. Above it there is room for more writes than any bucket gets. */
export const MAX_FENCE = 2 ** 52;

/** Returns the configuration of a bucket whose next revision is above `fence`. */
export function withRaisedFences(info: NumberedStream, fence: number): { readonly metadata: Record<string, string> } {
  const offset = Math.max(revisionOffset(info), fence - info.state.last_seq);
  const { metadata = {} } = info.config;
  return { metadata: { ...metadata, [OFFSET_ENTRY]: String(offset) } };
}
