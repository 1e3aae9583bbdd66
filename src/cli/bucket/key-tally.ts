import { amount } from "../style.ts";
import { KEPT_STATES, type KeptKey } from "./kept-key.ts";

/** How many keys are in which state. */
export type KeyTally = Readonly<Record<KeptKey["state"], number>>;

export const NO_KEYS: KeyTally = { reserved: 0, committed: 0, unreadable: 0 };

export function withKey(tally: KeyTally, { state }: Pick<KeptKey, "state">): KeyTally {
  return { ...tally, [state]: tally[state] + 1 };
}

export function totalOf(tally: KeyTally): number {
  return KEPT_STATES.reduce((sum, state) => sum + tally[state], 0);
}

/** `3 reserved, 1,204 committed`: what there is, without what there is not. */
export function tallyText(tally: KeyTally): string {
  return KEPT_STATES.filter((state) => tally[state] > 0)
    .map((state) => `${amount(tally[state])} ${state}`)
    .join(", ");
}
