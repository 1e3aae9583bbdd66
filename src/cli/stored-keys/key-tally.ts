import { amount } from "../../internal/counted.ts";
import { STORED_STATES, type StoredKey } from "./stored-key.ts";

/** Number of keys by state. */
export type KeyTally = Readonly<Record<StoredKey["state"], number>>;

export const NO_KEYS: KeyTally = { reserved: 0, committed: 0, unreadable: 0 };

export function withKey(tally: KeyTally, { state }: Pick<StoredKey, "state">): KeyTally {
  return { ...tally, [state]: tally[state] + 1 };
}

export function totalOf(tally: KeyTally): number {
  return STORED_STATES.reduce((sum, state) => sum + tally[state], 0);
}

/** Returns the states that occur. */
export function tallyRows(tally: KeyTally): ReadonlyArray<readonly [state: StoredKey["state"], number: number]> {
  return STORED_STATES.map((state) => [state, tally[state]] as const).filter(([, number]) => number > 0);
}

/** `3 reserved, 1,204 committed` */
export function tallyText(tally: KeyTally): string {
  return tallyRows(tally)
    .map(([state, number]) => `${amount(number)} ${state}`)
    .join(", ");
}
