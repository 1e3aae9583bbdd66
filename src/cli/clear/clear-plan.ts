import type { StoreKey } from "../../model/identity.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import type { FilterFlags } from "../stored-keys/key-filter.ts";
import { type KeyTally, NO_KEYS, totalOf, withKey } from "../stored-keys/key-tally.ts";
import type { StoredKey } from "../stored-keys/stored-key.ts";
import { CommandError } from "../terminal/command-error.ts";

/** States that can be cleared. */
export const CLEARABLE = ["committed", "reserved", "unreadable", "any"] as const;
export type Clearable = (typeof CLEARABLE)[number];
/** Clearing a reserved key lets its event run twice, so the default excludes it. */
export const DEFAULT_CLEARABLE: Clearable = "committed";

/** One event, as for `latchkey show`, or none to use filters. */
export type ClearNames = readonly [first?: string | undefined, eventId?: string | undefined];

export interface ClearFlags extends BucketFlags, PostgresKeysFlags, Omit<FilterFlags, "state"> {
  readonly state?: Clearable;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** A key to clear, at the revision that was seen. */
export interface Candidate {
  readonly bucket: string;
  readonly key: StoreKey;
  readonly revision: number;
}

/** The keys to clear. Only keys that were seen are cleared. */
export class ClearPlan {
  readonly #state: Clearable;
  readonly candidates: Candidate[] = [];
  #toClear = NO_KEYS;
  #toLeave = NO_KEYS;
  #keyless = 0;

  constructor(state: Clearable) {
    this.#state = state;
  }

  /** Adds a matching key, and returns true if it is to be cleared. */
  add(stored: StoredKey): boolean {
    const { bucket, key, revision, state } = stored;
    if (this.#state !== "any" && this.#state !== state) {
      this.#toLeave = withKey(this.#toLeave, stored);
      return false;
    }
    if (key === undefined) {
      this.#keyless += 1;
      return false;
    }
    this.candidates.push({ bucket, key, revision });
    this.#toClear = withKey(this.#toClear, stored);
    return true;
  }

  get toClear(): KeyTally {
    return this.#toClear;
  }

  /** Matching keys in other states. */
  get toLeave(): KeyTally {
    return this.#toLeave;
  }

  /** Number of matching messages without a valid key, which cannot be cleared. */
  get keyless(): number {
    return this.#keyless;
  }

  get matched(): number {
    return totalOf(this.#toClear) + totalOf(this.#toLeave) + this.#keyless;
  }
}

/** @throws {CommandError} if the command line selects no keys, or selects them in two ways. */
export function checkClearFlags([first]: ClearNames, flags: ClearFlags): void {
  const { subscription, event, workspace, owner, olderThan, newerThan, all = false } = flags;
  const isOne = first !== undefined;
  const filters = [subscription, event, owner, olderThan, newerThan];
  const isFiltered = filters.some((filter) => filter !== undefined);
  if (isOne && (isFiltered || all)) throw new CommandError("Name one event or give filters, not both");
  if (all && (isFiltered || workspace !== undefined))
    throw new CommandError("--all selects all keys: do not combine it with filters");
  if (!isOne && !isFiltered && workspace === undefined && !all)
    throw new CommandError("Select the keys to clear: one event, filters such as --subscription, or --all");
}
