import { FingerprintMismatchError, PermanentError } from "../errors.ts";
import type { Duplicate, Pending } from "../model/decision.ts";
import type { DedupEventDetail, DedupEventFields } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import { fenceOf } from "../model/record.ts";
import type { Entry } from "../model/store.ts";
import type { Attempt } from "./attempt.ts";
import type { KnownCommit } from "./commit-cache.ts";
import type { EngineContext } from "./engine-context.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";

/** Time after which to ask again if the holder is unknown, in milliseconds. */
const RETRY_MS = 1_000;

/** One call for a reservation. */
export class ReserveCall {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly startedAtMs: number;
  /** False for a call that has waited: it reports `pending` once. */
  readonly isFirst: boolean;

  constructor(identity: ResolvedIdentity, how: ResolvedReserveOptions, startedAtMs: number, isFirst = true) {
    this.identity = identity;
    this.how = how;
    this.startedAtMs = startedAtMs;
    this.isFirst = isFirst;
  }
}

/** The decisions for calls that get no reservation. Each is also reported to the listeners. */
export class Rejections {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** @throws {FingerprintMismatchError} @throws {PermanentError} if the dispatch failed for good. */
  duplicate(call: ReserveCall, commit: KnownCommit): Duplicate {
    const { key } = call.identity;
    if (isMismatch(call, commit)) {
      this.#measure(call, "mismatch");
      throw new FingerprintMismatchError(key, commit.revision);
    }
    const { atMs: committedAt, result, windowEndsAtMs } = commit;
    this.#report(call, { type: "duplicate", committedAt }, commit);
    if (commit.failed)
      throw new PermanentError(`The event of ${key} failed for good before, and was not dispatched again`);
    const copy = result === undefined ? {} : { result: structuredClone(result) };
    return windowEndsAtMs === undefined
      ? { decision: "duplicate", key, committedAt, ...copy }
      : { decision: "duplicate", key, committedAt, windowEndsAtMs, ...copy };
  }

  /** Another replica holds the key. Its fingerprint is not compared: it may never be committed. */
  pendingElsewhere(call: ReserveCall, entry: Entry): Pending {
    const { record, revision } = entry;
    const { leases, nowMs, options } = this.#context;
    const retryAfterMs = leases.retryAfterMs(entry, nowMs, options.clock.wallMs());
    const { owner, attempt } = record;
    return this.#pending(call, retryAfterMs, { owner, attempt, fence: fenceOf(record, revision), revision });
  }

  /** An attempt of this replica holds the key. */
  pendingHere(call: ReserveCall, attempt: Attempt): Pending {
    return this.#pendingWithoutRecord(call, Math.max(RETRY_MS, Math.ceil(attempt.leaseLeftMs)));
  }

  /** No holder was seen: the key kept changing hands, or was released again. */
  pendingNowhere(call: ReserveCall): Pending {
    return this.#pendingWithoutRecord(call, RETRY_MS);
  }

  #pendingWithoutRecord(call: ReserveCall, retryAfterMs: number): Pending {
    return this.#pending(call, retryAfterMs, { owner: this.#context.options.owner, attempt: 1, fence: 0, revision: 0 });
  }

  #pending(call: ReserveCall, retryAfterMs: number, holder: Holder): Pending {
    if (call.isFirst) this.#report(call, { type: "pending", retryAfterMs }, holder);
    return { decision: "pending", key: call.identity.key, owner: holder.owner, retryAfterMs };
  }

  #report(call: ReserveCall, detail: RejectionDetail, holder: Holder): void {
    this.#measure(call, detail.type);
    const { listeners } = this.#context;
    if (listeners.isEmpty) return;
    listeners.report(call.identity, detail, holder.owner, holder, this.#context.nowMs - call.startedAtMs);
  }

  #measure({ startedAtMs }: ReserveCall, outcome: "duplicate" | "mismatch" | "pending"): void {
    const { meters } = this.#context;
    if (meters.isEmpty) return;
    const durationMs = this.#context.nowMs - startedAtMs;
    meters.call({ stage: "reserve", outcome, durationMs, heldMs: undefined });
  }
}

type RejectionDetail = Extract<DedupEventDetail, { readonly type: "duplicate" | "pending" }>;

type Holder = Pick<DedupEventFields, "owner" | "attempt" | "fence" | "revision">;

function isMismatch({ how }: ReserveCall, { fingerprint }: KnownCommit): boolean {
  return fingerprint !== undefined && how.fingerprint !== undefined && fingerprint !== how.fingerprint;
}
