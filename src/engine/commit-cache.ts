import { LruMap } from "../internal/lru-map.ts";
import { digestOf, type ResolvedIdentity } from "../model/identity.ts";
import { type Fence, fenceOf } from "../model/record.ts";
import type { Entry, Revision } from "../model/store.ts";
import type { ClearEpoch } from "./clear-epoch.ts";
import type { ResolvedOptions } from "./engine-options.ts";

/** Time for which a read record counts as current, in milliseconds. A NATS server removes expired keys up to this much later. */
export const FRESH_MS = 250;

/** Information about the earlier commit that a duplicate returns. */
export interface KnownCommit {
  /** Time of the commit, by the committer's wall clock. */
  readonly atMs: number;
  readonly owner: string;
  readonly attempt: number;
  readonly fence: Fence;
  readonly revision: Revision;
  readonly fingerprint: string | undefined;
  readonly result: unknown;
  /** True if the dispatch failed for good. */
  readonly failed: boolean;
  /** End of the window, in milliseconds since 1970, by the clock that wrote `atMs` or by the store's. For people. */
  readonly windowEndsAtMs: number | undefined;
  /** Time until which the store need not be asked, by this replica's monotonic clock. */
  readonly knownUntilMs: number;
}

/** Returns the commit of an entry, or `undefined` for a reservation. */
export function knownCommit({ record, revision, endsAtMs }: Entry, knownUntilMs: number): KnownCommit | undefined {
  if (record.state === "reserved") return undefined;
  const { atMs, owner, attempt, fingerprint, result, failed = false } = record;
  return {
    atMs,
    owner,
    attempt,
    fence: fenceOf(record, revision),
    revision,
    fingerprint,
    result,
    failed,
    windowEndsAtMs: endsAtMs,
    knownUntilMs,
  };
}

/**
 * A commit in 56 bytes. Numbers below 2^31 take no extra memory, so times are relative to the cache's creation and revisions to
 * the first fence (docs/performance.md). Members that few of the replica's own commits have are stored apart.
 */
interface PackedCommit {
  readonly atOffsetMs: number;
  readonly fenceOffset: number;
  readonly revisionOffset: number;
  readonly untilOffsetMs: number;
  readonly extra?: Extra;
}

type Extra = Pick<KnownCommit, "owner" | "attempt" | "fingerprint" | "result" | "failed"> & {
  /** Time from the commit to the end of its window. */
  readonly windowMs: number | undefined;
};

/**
 * The commits that this replica knows, so that duplicates need no store request. Those unused for longest are evicted.
 *
 * The replica's own commits stay until their windows end, counted from before they were sent. Commits of other replicas stay for
 * {@link FRESH_MS} only, because the rest of their windows is unknown. The cache returns and adds nothing unless its epoch is
 * certainly current. After the first invalidation it adds only its own commits: a read may show a commit that was cleared.
 */
export class CommitCache {
  readonly #size: number;
  readonly #clears: ClearEpoch;
  readonly #defaults: Extra;
  readonly #createdAtMs: number;
  readonly #createdAtWallMs: number;
  #firstFence: Fence | undefined;
  /** By the digest of the identity. */
  #commits: LruMap<string, PackedCommit> | undefined;
  #epoch: number | undefined;

  constructor({ cacheSize, owner, clock, windowMs }: ResolvedOptions, clears: ClearEpoch) {
    this.#size = cacheSize;
    this.#clears = clears;
    this.#defaults = { owner, attempt: 1, fingerprint: undefined, result: undefined, failed: false, windowMs };
    this.#createdAtMs = clock.monotonicMs();
    this.#createdAtWallMs = clock.wallMs();
  }

  /** @throws what the store throws when it is asked for its epoch, and {@link TypeError} for an answer outside its contract. */
  find(identity: ResolvedIdentity, nowMs: number): KnownCommit | undefined {
    if (!this.#isCurrent()) return undefined;
    const packed = this.#commits?.get(digestOf(identity));
    return packed !== undefined && nowMs < this.#createdAtMs + packed.untilOffsetMs ? this.#unpack(packed) : undefined;
  }

  /** @param epoch is {@link ClearEpoch.last} from before the commit was sent. */
  addOwn(identity: ResolvedIdentity, commit: KnownCommit, epoch: number | undefined): void {
    if (epoch === undefined || !this.#isCertainlyCurrent() || epoch !== this.#epoch) return;
    this.#commits ??= new LruMap(this.#size);
    this.#commits.set(digestOf(identity), this.#pack(commit));
  }

  /** @param epoch is {@link ClearEpoch.last} from before the request that found the commit was sent. */
  addRead(identity: ResolvedIdentity, commit: KnownCommit, epoch: number | undefined): void {
    if (epoch === 0 && commit.result === undefined) this.addOwn(identity, commit, epoch);
  }

  #pack(commit: KnownCommit): PackedCommit {
    const { atMs, owner, attempt, fence, revision, fingerprint, result, failed, knownUntilMs } = commit;
    const windowMs = commit.windowEndsAtMs === undefined ? undefined : commit.windowEndsAtMs - atMs;
    const hasDefaults =
      owner === this.#defaults.owner &&
      attempt === 1 &&
      fingerprint === undefined &&
      result === undefined &&
      !failed &&
      windowMs === this.#defaults.windowMs;
    this.#firstFence ??= fence;
    const atOffsetMs = small(atMs - this.#createdAtWallMs);
    const untilOffsetMs = small(Math.floor(knownUntilMs - this.#createdAtMs));
    const fenceOffset = small(fence - this.#firstFence);
    const revisionOffset = small(revision - this.#firstFence);
    return hasDefaults
      ? { atOffsetMs, fenceOffset, revisionOffset, untilOffsetMs }
      : {
          atOffsetMs,
          fenceOffset,
          revisionOffset,
          untilOffsetMs,
          extra: { owner, attempt, fingerprint, result, failed, windowMs },
        };
  }

  #unpack(packed: PackedCommit): KnownCommit {
    const { atOffsetMs, fenceOffset, revisionOffset, untilOffsetMs, extra = this.#defaults } = packed;
    const { owner, attempt, fingerprint, result, failed, windowMs } = extra;
    const first = this.#firstFence ?? 0;
    const atMs = this.#createdAtWallMs + atOffsetMs;
    return {
      atMs,
      owner,
      attempt,
      fence: first + fenceOffset,
      revision: first + revisionOffset,
      fingerprint,
      result,
      failed,
      windowEndsAtMs: windowMs === undefined ? undefined : atMs + windowMs,
      knownUntilMs: this.#createdAtMs + untilOffsetMs,
    };
  }

  /** Treats an error as an unknown epoch, for use during an attempt. {@link find} throws it to the caller instead. */
  #isCertainlyCurrent(): boolean {
    try {
      return this.#isCurrent();
    } catch {
      return false;
    }
  }

  /** Reads the store's epoch, and empties the cache if it changed. */
  #isCurrent(): boolean {
    const latest = this.#size === 0 ? undefined : this.#clears.current();
    if (latest === undefined) return false;
    if (latest !== this.#epoch) this.#commits?.clear();
    this.#epoch = latest;
    return true;
  }
}

/** Returns the same number, as a small integer if it is one: V8 stores computed integers as doubles otherwise. */
function small(number: number): number {
  const whole = number | 0;
  return whole === number ? whole : number;
}
