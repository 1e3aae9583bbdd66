import { LRUCache } from "lru-cache";
import type { StoreKey } from "../model/identity.ts";
import { type Fence, fenceOf } from "../model/record.ts";
import type { CacheInvalidation, Entry, Revision } from "../model/store.ts";
import type { ResolvedOptions } from "../options.ts";

/** For how long what was read of another's record is taken to stand: a server of NATS may be as late to let go of it. */
export const FRESH_MS = 250;

/** All that a duplicate is told of the commit before it. */
export interface KnownCommit {
  /** When it was made, by the committer's wall clock. */
  readonly atMs: number;
  readonly owner: string;
  readonly attempt: number;
  readonly fence: Fence;
  readonly revision: Revision;
  readonly fingerprint: string | undefined;
  readonly result: unknown;
  /** Until when the store need not be asked again, by this replica's monotonic clock. */
  readonly knownUntilMs: number;
}

/** @returns `undefined` for a reservation. */
export function knownCommit({ record, revision }: Entry, knownUntilMs: number): KnownCommit | undefined {
  if (record.state === "reserved") return undefined;
  const { atMs, owner, attempt, fingerprint, result } = record;
  return { atMs, owner, attempt, fence: fenceOf(record, revision), revision, fingerprint, result, knownUntilMs };
}

/**
 * A commit as it is kept, in 56 bytes: V8 keeps whole numbers below 2^31 in place and takes 16 bytes more for any other. So times
 * are counted from the cache's own beginning, revisions from the first, and what hardly any commit of one's own has is apart.
 */
interface Kept {
  readonly sinceBirthMs: number;
  readonly fenceSince: number;
  readonly revisionSince: number;
  readonly untilMs: number;
  readonly rest?: Rest;
}

type Rest = Pick<KnownCommit, "owner" | "attempt" | "fingerprint" | "result">;

/**
 * Commits that this replica knows of, so that duplicates need not ask the store; the least recently used are let go of.
 *
 * One's own are kept until their windows end, counted from before they were sent. Another's are kept for a moment only, since
 * nobody here can tell how much of its window is left: see {@link FRESH_MS}. Nothing is answered, or kept, unless it is sure that
 * no key was cleared meanwhile; and where keys have ever been cleared, only one's own are kept: what is read may be out of date,
 * and of a commit that was cleared.
 */
export class CommitCache {
  readonly #size: number;
  readonly #invalidation: CacheInvalidation | undefined;
  /** What a commit has that nothing else is said of. */
  readonly #plain: Rest;
  readonly #bornAtMs: number;
  readonly #bornAtWallMs: number;
  /** Many stores count revisions from far above 2^31. */
  #firstFence: Fence | undefined;
  #commits: LRUCache<StoreKey, Kept> | undefined;
  #mark: number | undefined;

  constructor({ cacheSize, owner, clock }: ResolvedOptions, invalidation: CacheInvalidation | undefined) {
    this.#size = cacheSize;
    this.#invalidation = cacheSize === 0 ? undefined : invalidation;
    this.#plain = { owner, attempt: 1, fingerprint: undefined, result: undefined };
    this.#bornAtMs = clock.monotonicMs();
    this.#bornAtWallMs = clock.wallMs();
  }

  /** What is known of clears, if only of old. */
  get mark(): number | undefined {
    this.#isSurelyUpToDate();
    return this.#mark;
  }

  /** @throws what the store throws when it is asked for clears, and {@link TypeError} for an answer outside its contract. */
  find(key: StoreKey, nowMs: number): KnownCommit | undefined {
    if (!this.#isUpToDate()) return undefined;
    const kept = this.#commits?.get(key);
    return kept !== undefined && nowMs < this.#bornAtMs + kept.untilMs ? this.#unpacked(kept) : undefined;
  }

  /** @param mark {@link mark}, from before the commit was sent. */
  keepOwn(key: StoreKey, commit: KnownCommit, mark: number | undefined): void {
    if (mark === undefined || !this.#isSurelyUpToDate() || mark !== this.#mark) return;
    // Bounded by size, each commit counting 1: what is bounded by `max` takes all of its memory at once, and half a millisecond.
    this.#commits ??= new LRUCache({ maxSize: this.#size, sizeCalculation: () => 1 });
    this.#commits.set(key, this.#packed(commit));
  }

  /** @param mark {@link mark}, from before the question was sent to which the commit is the answer. */
  keepRead(key: StoreKey, commit: KnownCommit, mark: number | undefined): void {
    if (mark === 0 && commit.result === undefined) this.keepOwn(key, commit, mark);
  }

  #packed({ atMs, owner, attempt, fence, revision, fingerprint, result, knownUntilMs }: KnownCommit): Kept {
    const isPlain = owner === this.#plain.owner && attempt === 1 && fingerprint === undefined && result === undefined;
    this.#firstFence ??= fence;
    const sinceBirthMs = small(atMs - this.#bornAtWallMs);
    const untilMs = small(Math.floor(knownUntilMs - this.#bornAtMs));
    const fenceSince = small(fence - this.#firstFence);
    const revisionSince = small(revision - this.#firstFence);
    return isPlain
      ? { sinceBirthMs, fenceSince, revisionSince, untilMs }
      : { sinceBirthMs, fenceSince, revisionSince, untilMs, rest: { owner, attempt, fingerprint, result } };
  }

  #unpacked({ sinceBirthMs, fenceSince, revisionSince, untilMs, rest = this.#plain }: Kept): KnownCommit {
    const { owner, attempt, fingerprint, result } = rest;
    const first = this.#firstFence ?? 0;
    return {
      atMs: this.#bornAtWallMs + sinceBirthMs,
      owner,
      attempt,
      fence: first + fenceSince,
      revision: first + revisionSince,
      fingerprint,
      result,
      knownUntilMs: this.#bornAtMs + untilMs,
    };
  }

  /** In the midst of a delivery, trouble with clears means that nothing is known of them: {@link find} is who tells of it. */
  #isSurelyUpToDate(): boolean {
    try {
      return this.#isUpToDate();
    } catch {
      return false;
    }
  }

  /** Asks for clears, and lets go of everything when there were some. */
  #isUpToDate(): boolean {
    const latest = this.#invalidation?.epoch();
    if (latest === undefined) return false;
    if (latest !== this.#mark) this.#commits?.clear();
    this.#mark = latest;
    return true;
  }
}

/** The same number, below 2^31 as V8 keeps it in place: what it computed of large ones it would keep like these. */
function small(number: number): number {
  const whole = number | 0;
  return whole === number ? whole : number;
}
