import type { DedupKeyContext } from "../machines/dedup-key.ts";
import type { ResultNotKeptError } from "./errors.ts";
import { type KeptResult, keepResult } from "./kept-result.ts";
import type { ResolvedIdentity } from "./key.ts";
import type { ResolvedReserveOptions } from "./options.ts";
import type { CommitRecord, DedupRecord, ReservationRecord } from "./record.ts";

/** What one delivery writes under its key, and how it knows that again: by the token of its attempt. */
export class OwnRecord {
  readonly #identity: ResolvedIdentity;
  readonly #how: ResolvedReserveOptions;
  readonly #owner: string;
  #token = "";
  #atMs = 0;
  #kept: KeptResult = { kept: "nothing" };

  constructor(identity: ResolvedIdentity, how: ResolvedReserveOptions, owner: string) {
    this.#identity = identity;
    this.#how = how;
    this.#owner = owner;
  }

  /** What is written from now on is another attempt, which has a token of its own. */
  attempt(token: string): void {
    this.#token = token;
  }

  /** What is written from now on says this time, however often it is repeated. */
  date(atMs: number): void {
    this.#atMs = atMs;
  }

  /** The commit is to carry the handler's result; says why not, if it can't. */
  keep(result: unknown): ResultNotKeptError | undefined {
    this.#kept = keepResult(result);
    return this.resultError;
  }

  get resultError(): ResultNotKeptError | undefined {
    return this.#kept.kept === "not" ? this.#kept.error : undefined;
  }

  isOwn(record: DedupRecord): boolean {
    return record.token === this.#token;
  }

  reserved(context: DedupKeyContext): ReservationRecord {
    return { ...this.#fields(context), state: "reserved" };
  }

  committed(context: DedupKeyContext): CommitRecord {
    const result = this.#kept.kept === "result" ? { result: this.#kept.result } : {};
    return { ...this.#fields(context), state: "committed", ...result };
  }

  #fields(context: DedupKeyContext): Omit<ReservationRecord, "state"> {
    const { workspaceId, subscriptionId, eventId } = this.#identity;
    const { leaseMs, fingerprint } = this.#how;
    return {
      v: 1,
      workspaceId,
      subscriptionId,
      eventId,
      owner: this.#owner,
      token: this.#token,
      attempt: context.attempt,
      fence: context.fence,
      leaseMs,
      atMs: this.#atMs,
      ...(fingerprint === undefined ? {} : { fingerprint }),
    };
  }
}
