import { FingerprintMismatchError } from "../errors.ts";
import type { Duplicate, Pending } from "../model/decision.ts";
import type { DedupEventDetail, DedupEventFields } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import { fenceOf } from "../model/record.ts";
import type { Entry } from "../model/store.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "../options.ts";
import type { Attempt } from "./attempt.ts";
import type { KnownCommit } from "./commit-cache.ts";
import type { EventListeners } from "./event-listeners.ts";
import type { ObservedLeases } from "./observed-leases.ts";

/** When it is worth asking again where nothing is known of who has the key. */
const RETRY_MS = 1_000;

/** One call for a reservation. */
export interface ReserveCall {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly startedAtMs: number;
  /** Whether nothing was said to it yet: a call that waits is reported once as pending. */
  readonly isFirst: boolean;
}

/** What callers are told, and listeners with them, who get no reservation. */
export class Rejections {
  readonly #options: ResolvedOptions;
  readonly #leases: ObservedLeases;
  readonly #listeners: EventListeners;

  constructor(options: ResolvedOptions, leases: ObservedLeases, listeners: EventListeners) {
    this.#options = options;
    this.#leases = leases;
    this.#listeners = listeners;
  }

  /** @throws {FingerprintMismatchError} */
  duplicate(asked: ReserveCall, commit: KnownCommit): Duplicate {
    checkFingerprint(asked, commit.fingerprint);
    const { key } = asked.identity;
    const { atMs: committedAt, result } = commit;
    this.#report(asked, { type: "duplicate", committedAt }, commit);
    return result === undefined
      ? { decision: "duplicate", key, committedAt }
      : { decision: "duplicate", key, committedAt, result: structuredClone(result) };
  }

  /** Another has the key. @throws {FingerprintMismatchError} */
  pendingElsewhere(asked: ReserveCall, entry: Entry): Pending {
    const { record, revision } = entry;
    checkFingerprint(asked, record.fingerprint);
    const { clock } = this.#options;
    const retryAfterMs = this.#leases.retryAfterMs(entry, clock.monotonicMs(), clock.wallMs());
    const { owner, attempt } = record;
    return this.#pending(asked, retryAfterMs, { owner, attempt, fence: fenceOf(record, revision), revision });
  }

  /** A flight of this replica has the key. @throws {FingerprintMismatchError} */
  pendingHere(asked: ReserveCall, flight: Attempt): Pending {
    checkFingerprint(asked, flight.how.fingerprint);
    return this.#pendingUnseen(asked, Math.max(RETRY_MS, Math.ceil(flight.leaseLeftMs)));
  }

  /** Nobody was seen who has it: it was lost and free again by turns, or given back. */
  pendingNowhere(asked: ReserveCall): Pending {
    return this.#pendingUnseen(asked, RETRY_MS);
  }

  #pendingUnseen(asked: ReserveCall, retryAfterMs: number): Pending {
    return this.#pending(asked, retryAfterMs, { owner: this.#options.owner, attempt: 1, fence: 0, revision: 0 });
  }

  #pending(asked: ReserveCall, retryAfterMs: number, who: Who): Pending {
    if (asked.isFirst) this.#report(asked, { type: "pending", retryAfterMs }, who);
    return { decision: "pending", key: asked.identity.key, owner: who.owner, retryAfterMs };
  }

  #report({ identity, startedAtMs }: ReserveCall, detail: DedupEventDetail, who: Who): void {
    if (!this.#listeners.isHeard) return;
    const durationMs = this.#options.clock.monotonicMs() - startedAtMs;
    this.#listeners.report(identity, detail, who.owner, who, durationMs);
  }
}

type Who = Pick<DedupEventFields, "owner" | "attempt" | "fence" | "revision">;

function checkFingerprint({ identity, how }: ReserveCall, before: string | undefined): void {
  if (before !== undefined && how.fingerprint !== undefined && before !== how.fingerprint) {
    throw new FingerprintMismatchError(identity.key);
  }
}
