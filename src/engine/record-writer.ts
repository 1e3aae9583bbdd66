import type { DedupKeyContext, Phase } from "../../machines/dedup-key.ts";
import { ResultNotKeptError } from "../errors.ts";
import type { DispatchFailure } from "../model/failure.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import { type DedupRecord, type Fence, fenceOf } from "../model/record.ts";
import type { KnownCommit } from "./commit-cache.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";
import { type StoredResult, storeResult } from "./stored-result.ts";

/** Larger results are not cached, because the cache is bounded by the number of commits. */
const LARGEST_CACHED_BYTES = 1_024;

/** Makes the records that one attempt writes, and recognises them by their token. */
export class RecordWriter {
  readonly #identity: ResolvedIdentity;
  readonly #how: ResolvedReserveOptions;
  readonly #owner: string;
  readonly #id: string;
  #claims = 0;
  #token = "";
  #atMs = 0;
  /** Time of the reservation's first write. */
  #reservedAtMs = 0;
  #tookOverFrom: Fence | undefined;
  #result: StoredResult = { state: "none" };
  #hasFailed = false;

  /** @param id is unique among the attempts of all replicas. */
  constructor(identity: ResolvedIdentity, how: ResolvedReserveOptions, owner: string, id: string) {
    this.#identity = identity;
    this.#how = how;
    this.#owner = owner;
    this.#id = id;
  }

  /**
   * Begins another claim, with a token of its own.
   * @param tookOverFrom fence of the reservation whose lease ended before, if one was seen.
   */
  startClaim(atMs: number, tookOverFrom: Fence | undefined): void {
    this.#tookOverFrom = tookOverFrom;
    this.#claims += 1;
    this.#token = this.#claims === 1 ? this.#id : `${this.#id}/${this.#claims}`;
    this.#atMs = atMs;
    this.#reservedAtMs = atMs;
  }

  /** Sets the time of the records to come. Repeated writes of one record carry the same time. */
  setTime(atMs: number): void {
    this.#atMs = atMs;
  }

  /** Adds the handler's result to the commit, or returns why it cannot be stored. */
  storeResult(result: unknown): ResultNotKeptError | undefined {
    this.#result = storeResult(result);
    return this.resultError;
  }

  /** Removes the result from the commit. Returns why, or `undefined` if the commit has none. */
  dropResult(cause: unknown): ResultNotKeptError | undefined {
    if (this.#result.state !== "stored") return undefined;
    const message = `The store has no room for the result, which has ${this.#result.bytes} bytes as JSON`;
    const error = new ResultNotKeptError(message, { cause });
    this.#result = { state: "failed", error };
    return error;
  }

  /** Makes the commit that of a dispatch which failed for good. */
  markFailed(): void {
    this.#hasFailed = true;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get resultError(): ResultNotKeptError | undefined {
    return this.#result.state === "failed" ? this.#result.error : undefined;
  }

  /** Recognises a record of this attempt. A commit with its token, before it wrote one, is another's: tokens are broken then. */
  isOwn(record: DedupRecord, phase: Phase): boolean {
    if (record.state === "committed" && phase !== "committing") return false;
    return record.token === this.#token;
  }

  reserved(context: DedupKeyContext): DedupRecord {
    // A renewal hides when the reservation began.
    const isFirst = context.fence === 0;
    return this.#record("reserved", context, isFirst ? {} : { heldMs: Math.max(0, this.#atMs - this.#reservedAtMs) });
  }

  committed(context: DedupKeyContext): DedupRecord {
    if (this.#hasFailed) return this.#record("committed", context, { failed: true });
    return this.#record("committed", context, this.#result.state === "stored" ? { result: this.#result.result } : {});
  }

  /** Returns the note that replaces a reservation whose handler threw. */
  failure({ attempt, fence, revision }: DedupKeyContext, error: string): DispatchFailure {
    const { workspaceId, subscriptionId, eventId } = this.#identity;
    const ids = { workspaceId, subscriptionId, eventId };
    return { ...ids, owner: this.#owner, attempt, fence: fenceOf({ fence }, revision), atMs: this.#atMs, error };
  }

  /** True unless the result is too large for the cache. */
  get isCacheable(): boolean {
    return this.#result.state !== "stored" || this.#result.bytes <= LARGEST_CACHED_BYTES;
  }

  /** Returns the acknowledged commit. */
  knownCommit(context: DedupKeyContext, knownUntilMs: number): KnownCommit {
    const { attempt, revision } = context;
    const result = this.#result;
    return {
      atMs: this.#atMs,
      owner: this.#owner,
      attempt,
      fence: fenceOf(context, revision),
      revision,
      fingerprint: this.#how.fingerprint,
      result: result.state === "stored" ? result.result : undefined,
      failed: this.#hasFailed,
      windowEndsAtMs: this.#atMs + this.#how.windowMs,
      knownUntilMs,
    };
  }

  /** Spreads the optional members last, which is faster (docs/performance.md). */
  #record(
    state: DedupRecord["state"],
    { attempt, fence }: DedupKeyContext,
    more: { readonly result?: unknown; readonly failed?: true; readonly heldMs?: number },
  ): DedupRecord {
    const { workspaceId, subscriptionId, eventId } = this.#identity;
    const { leaseMs, fingerprint } = this.#how;
    const optional = this.#tookOverFrom === undefined ? more : { ...more, tookOverFrom: this.#tookOverFrom };
    return Object.freeze({
      v: 1 as const,
      state,
      workspaceId,
      subscriptionId,
      eventId,
      owner: this.#owner,
      token: this.#token,
      attempt,
      fence,
      leaseMs,
      atMs: this.#atMs,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...optional,
    });
  }
}
