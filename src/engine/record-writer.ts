import type { DedupKeyContext } from "../../machines/dedup-key.ts";
import type { ResultNotKeptError } from "../errors.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import { type DedupRecord, fenceOf } from "../model/record.ts";
import type { ResolvedReserveOptions } from "../options.ts";
import type { KnownCommit } from "./commit-cache.ts";
import { type StoredResult, storeResult } from "./stored-result.ts";

/** Larger results are left to the store: the cache of commits is bounded by their number. */
const LARGEST_KEPT_BYTES = 1_024;

/** What one delivery writes under its key, and how it knows that again: by the token of its attempt. */
export class RecordWriter {
  readonly #identity: ResolvedIdentity;
  readonly #how: ResolvedReserveOptions;
  readonly #owner: string;
  readonly #id: string;
  #attempts = 0;
  #token = "";
  #atMs = 0;
  #kept: StoredResult = { kept: "nothing" };
  #hasCommit = false;

  /** @param id never the same for two deliveries, on any replica. */
  constructor(identity: ResolvedIdentity, how: ResolvedReserveOptions, owner: string, id: string) {
    this.#identity = identity;
    this.#how = how;
    this.#owner = owner;
    this.#id = id;
  }

  /** What is written from now on is another attempt, which has a token of its own. */
  attempt(): void {
    this.#attempts += 1;
    this.#token = this.#attempts === 1 ? this.#id : `${this.#id}/${this.#attempts}`;
  }

  /** What is written from now on says this time, however often it is repeated. */
  date(atMs: number): void {
    this.#atMs = atMs;
  }

  /** The commit is to carry the handler's result; says why not, if it can't. */
  keep(result: unknown): ResultNotKeptError | undefined {
    this.#kept = storeResult(result);
    return this.resultError;
  }

  get resultError(): ResultNotKeptError | undefined {
    return this.#kept.kept === "not" ? this.#kept.error : undefined;
  }

  /** A commit with our token is another's as long as none was written here: the store, or who makes tokens, makes no sense. */
  isOwn(record: DedupRecord): boolean {
    if (record.state === "committed" && !this.#hasCommit) return false;
    return record.token === this.#token;
  }

  reserved(context: DedupKeyContext): DedupRecord {
    return this.#record("reserved", context, {});
  }

  committed(context: DedupKeyContext): DedupRecord {
    this.#hasCommit = true;
    return this.#record("committed", context, this.#kept.kept === "result" ? { result: this.#kept.result } : {});
  }

  /** What is known of the commit once it stands; `undefined` when its result is too large to be kept here. */
  known(context: DedupKeyContext, knownUntilMs: number): KnownCommit | undefined {
    const { attempt, revision } = context;
    const kept = this.#kept;
    if (kept.kept === "result" && kept.bytes > LARGEST_KEPT_BYTES) return undefined;
    return {
      atMs: this.#atMs,
      owner: this.#owner,
      attempt,
      fence: fenceOf(context, revision),
      revision,
      fingerprint: this.#how.fingerprint,
      result: kept.kept === "result" ? kept.result : undefined,
      knownUntilMs,
    };
  }

  /** In one piece, and what is optional last: to add to an object that was spread costs V8 fifty times as much. */
  #record(
    state: DedupRecord["state"],
    { attempt, fence }: DedupKeyContext,
    result: { readonly result?: unknown },
  ): DedupRecord {
    const { workspaceId, subscriptionId, eventId } = this.#identity;
    const { leaseMs, fingerprint } = this.#how;
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
      ...result,
    });
  }
}
