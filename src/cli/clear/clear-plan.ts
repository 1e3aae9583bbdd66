import type { StoreKey } from "../../model/identity.ts";
import type { FilterFlags } from "../bucket/key-filter.ts";
import { type KeyTally, NO_KEYS, totalOf, withKey } from "../bucket/key-tally.ts";
import type { BucketFlags } from "../bucket/open-buckets.ts";
import type { StoredKey } from "../bucket/stored-key.ts";
import { UnusableError } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";

/** Which of the keys that match are cleared. */
export const CLEARABLE = ["committed", "reserved", "unreadable", "any"] as const;
export type Clearable = (typeof CLEARABLE)[number];
/** Clearing what is reserved lets an event run twice. */
export const DEFAULT_CLEARABLE: Clearable = "committed";

/** One event, as `latchkey show` takes it; or none, for all that match. */
export type ClearNames = readonly [first?: string | undefined, eventId?: string | undefined];

export interface ClearFlags extends BucketFlags, Omit<FilterFlags, "state"> {
  readonly state?: Clearable;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A key that is to be cleared, as it was seen. */
export interface Candidate {
  readonly bucket: string;
  readonly key: StoreKey;
  readonly revision: number;
}

/** What clearing comes to: nothing that was not seen is cleared. */
export class ClearPlan {
  readonly #state: Clearable;
  readonly candidates: Candidate[] = [];
  #toClear = NO_KEYS;
  #toLeave = NO_KEYS;
  #keyless = 0;

  constructor(state: Clearable) {
    this.#state = state;
  }

  /** Takes a key that matches, and tells whether it is to be cleared. */
  add(kept: StoredKey): boolean {
    const { bucket, key, revision, state } = kept;
    if (this.#state !== "any" && this.#state !== state) {
      this.#toLeave = withKey(this.#toLeave, kept);
      return false;
    }
    if (key === undefined) {
      this.#keyless += 1;
      return false;
    }
    this.candidates.push({ bucket, key, revision });
    this.#toClear = withKey(this.#toClear, kept);
    return true;
  }

  get toClear(): KeyTally {
    return this.#toClear;
  }

  /** What matches, but is in another state than was asked for. */
  get toLeave(): KeyTally {
    return this.#toLeave;
  }

  /** How much else matches: what has no key cannot be cleared as one. */
  get keyless(): number {
    return this.#keyless;
  }

  get matched(): number {
    return totalOf(this.#toClear) + totalOf(this.#toLeave) + this.#keyless;
  }
}

/** @throws {UnusableError} when it is not said which keys are meant, or in two ways. */
export function checkClearFlags([first]: ClearNames, flags: ClearFlags): void {
  const { subscription, event, workspace, owner, olderThan, newerThan, all = false } = flags;
  const isOne = first !== undefined;
  const filters = [subscription, event, owner, olderThan, newerThan];
  const isFiltered = filters.some((filter) => filter !== undefined);
  if (isOne && (isFiltered || all)) throw new UnusableError(sentences.oneEventOrFilter);
  if (all && (isFiltered || workspace !== undefined)) throw new UnusableError(sentences.allOrFilter);
  if (!isOne && !isFiltered && workspace === undefined && !all) throw new UnusableError(sentences.needsFilter);
}
