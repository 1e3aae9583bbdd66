import type { DeadLetter } from "../../model/dead-letter.ts";
import { CommandError } from "../terminal/command-error.ts";

export const ACTIONS = ["list", "show", "redrive", "drop"] as const;
export type DeadAction = (typeof ACTIONS)[number];

/** Selects dead letters. A missing filter matches all letters. */
export interface LetterFilterFlags {
  readonly reason?: DeadLetter["reason"];
  readonly workspace?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly consumer?: string;
  /** Minimum age of the letter, in milliseconds. */
  readonly olderThan?: number;
  /** Maximum age of the letter, in milliseconds. */
  readonly newerThan?: number;
  readonly all?: boolean;
}

/** Returns true if a letter matches the filters. */
export function isLetterMatch(letter: DeadLetter, flags: LetterFilterFlags, nowMs: number): boolean {
  const { identity, reason, consumer, storedAtMs } = letter;
  const { olderThan = Number.NEGATIVE_INFINITY, newerThan = Number.POSITIVE_INFINITY } = flags;
  const ageMs = nowMs - storedAtMs;
  const wanted: ReadonlyArray<readonly [wanted: string | undefined, is: string | undefined]> = [
    [flags.reason, reason],
    [flags.consumer, consumer],
    [flags.workspace, identity?.workspaceId],
    [flags.subscription, identity?.subscriptionId],
    [flags.event, identity?.eventId],
  ];
  return wanted.every(([value, is]) => value === undefined || value === is) && ageMs > olderThan && ageMs < newerThan;
}

/** @throws {CommandError} if the command line selects no letters, or selects them in two ways. */
export function checkSelection(action: DeadAction, sequences: readonly number[], flags: LetterFilterFlags): void {
  const { all = false, reason, consumer, workspace, subscription, event, olderThan, newerThan } = flags;
  const filters = [reason, consumer, workspace, subscription, event, olderThan, newerThan];
  const isFiltered = filters.some((filter) => filter !== undefined);
  const ways = [sequences.length > 0, isFiltered, all].filter(Boolean).length;
  if (action === "show" && (sequences.length === 0 || ways > 1)) {
    throw new CommandError("Name the letters to show by their numbers; `latchkey dead list` prints them");
  }
  if (ways > 1) throw new CommandError("Select letters by numbers, by filters, or with --all, not by several of them");
  if (ways === 0 && action !== "list")
    throw new CommandError(`Select the letters to ${action}: numbers, filters such as --reason, or --all`);
}
