import type { KnownCommit } from "./commit-cache.ts";
import type { Duplicate, Pending } from "./decision.ts";
import { FingerprintMismatchError } from "./errors.ts";
import type { Flight } from "./flight.ts";
import type { ResolvedIdentity } from "./key.ts";
import type { ObservedLeases } from "./observed-leases.ts";
import type { ResolvedOptions, ResolvedReserveOptions } from "./options.ts";
import { fenceOf } from "./record.ts";
import type { StepDetail, StepFields } from "./step.ts";
import type { StepListeners } from "./step-listeners.ts";
import type { Entry } from "./store.ts";

/** When it is worth asking again where nothing is known of who has the key. */
const RETRY_MS = 1_000;

/** One call for a reservation. */
export interface Asked {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly startedAtMs: number;
  /** Whether nothing was said to it yet: a call that waits is reported once as pending. */
  readonly isFirst: boolean;
}

/** What callers are told, and listeners with them, who get no reservation. */
export class Refusals {
  readonly #options: ResolvedOptions;
  readonly #leases: ObservedLeases;
  readonly #listeners: StepListeners;

  constructor(options: ResolvedOptions, leases: ObservedLeases, listeners: StepListeners) {
    this.#options = options;
    this.#leases = leases;
    this.#listeners = listeners;
  }

  /** @throws {FingerprintMismatchError} */
  duplicate(asked: Asked, commit: KnownCommit): Duplicate {
    checkFingerprint(asked, commit.fingerprint);
    const { key } = asked.identity;
    const { atMs: committedAt, result } = commit;
    this.#report(asked, { type: "duplicate", committedAt }, commit);
    return result === undefined
      ? { decision: "duplicate", key, committedAt }
      : { decision: "duplicate", key, committedAt, result: structuredClone(result) };
  }

  /** Another has the key. @throws {FingerprintMismatchError} */
  pendingElsewhere(asked: Asked, entry: Entry): Pending {
    const { record, revision } = entry;
    checkFingerprint(asked, record.fingerprint);
    const { clock } = this.#options;
    const retryAfterMs = this.#leases.retryAfterMs(entry, clock.monotonicMs(), clock.wallMs());
    const { owner, attempt } = record;
    return this.#pending(asked, retryAfterMs, { owner, attempt, fence: fenceOf(record, revision), revision });
  }

  /** A flight of this replica has the key. @throws {FingerprintMismatchError} */
  pendingHere(asked: Asked, flight: Flight): Pending {
    checkFingerprint(asked, flight.how.fingerprint);
    return this.#pendingUnseen(asked, Math.max(RETRY_MS, Math.ceil(flight.leaseLeftMs)));
  }

  /** Nobody was seen who has it: it was lost and free again by turns, or given back. */
  pendingNowhere(asked: Asked): Pending {
    return this.#pendingUnseen(asked, RETRY_MS);
  }

  #pendingUnseen(asked: Asked, retryAfterMs: number): Pending {
    return this.#pending(asked, retryAfterMs, { owner: this.#options.owner, attempt: 1, fence: 0, revision: 0 });
  }

  #pending(asked: Asked, retryAfterMs: number, who: Who): Pending {
    if (asked.isFirst) this.#report(asked, { type: "pending", retryAfterMs }, who);
    return { decision: "pending", key: asked.identity.key, owner: who.owner, retryAfterMs };
  }

  #report({ identity, startedAtMs }: Asked, detail: StepDetail, who: Who): void {
    if (!this.#listeners.isHeard) return;
    const durationMs = this.#options.clock.monotonicMs() - startedAtMs;
    this.#listeners.report(identity, detail, who.owner, who, durationMs);
  }
}

type Who = Pick<StepFields, "owner" | "attempt" | "fence" | "revision">;

function checkFingerprint({ identity, how }: Asked, before: string | undefined): void {
  if (before !== undefined && how.fingerprint !== undefined && before !== how.fingerprint) {
    throw new FingerprintMismatchError(identity.key);
  }
}
