import type { StreamInfo } from "@nats-io/jetstream";

/** Metadata entry of the bucket's stream with the offset that `latchkey raise-fences` wrote. */
export const OFFSET_ENTRY = "latchkey_revision_offset";
/** Metadata entry of a bucket whose first revision is the time of its creation, by the clock of the replica that created it. */
export const STARTS_AT_TIME: Readonly<Record<string, string>> = { latchkey_first_revision: "microseconds" };

/** Difference between the clocks of a replica and a server that is not corrected, in microseconds. */
const TOLERANCE_US = 60_000_000;

type Numbered = Pick<StreamInfo, "created"> & {
  readonly config: Pick<StreamInfo["config"], "first_seq" | "metadata">;
};

/**
 * Returns what to add to the sequence numbers of a bucket's stream to get its revisions. All replicas compute the same from the
 * stream's information. It is 0 unless the sequence numbers would repeat earlier fences:
 *
 * - `latchkey raise-fences` raised them, because the bucket was restored from a backup;
 * - the replica that created the bucket had a clock that was behind the server's, so the bucket starts too low.
 */
export function revisionOffset({ config, created }: Numbered): number {
  const { metadata = {}, first_seq: first } = config;
  const raised = Number(metadata[OFFSET_ENTRY] ?? 0);
  const startsAtTime = Object.entries(STARTS_AT_TIME).every(([name, value]) => metadata[name] === value);
  const behind = startsAtTime ? Date.parse(created) * 1_000 - first : 0;
  return Math.max(0, Number.isSafeInteger(raised) ? raised : 0, behind > TOLERANCE_US ? behind : 0);
}

/** Returns the metadata of a bucket without what {@link revisionOffset} reads, for a new bucket that starts high enough. */
export function withoutOffset(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const names = new Set([OFFSET_ENTRY, ...Object.keys(STARTS_AT_TIME)]);
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.has(name)));
}

/** Largest fence that can be raised to. Above it there is room for more writes than any bucket gets. */
export const MAX_FENCE = 2 ** 52;

/** Returns the configuration of a bucket whose next revision is above `fence`. */
export function withRaisedFences(
  info: Numbered & Pick<StreamInfo, "state">,
  fence: number,
): { readonly metadata: Record<string, string> } {
  const offset = Math.max(revisionOffset(info), fence - info.state.last_seq);
  const { metadata = {} } = info.config;
  return { metadata: { ...metadata, [OFFSET_ENTRY]: String(offset) } };
}
