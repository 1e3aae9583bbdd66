import { SUSPICIONS } from "../../conclusions/suspicion.ts";
import type { ShownAttempt } from "../../server/wire.ts";

/** Filter of the attempts in flight. An empty text matches everything. */
export interface AttemptFilter {
  readonly workspace: string;
  readonly subscription: string;
  readonly owner: string;
  readonly event: string;
  readonly state: AttemptState | "";
}

export const NO_FILTER: AttemptFilter = { workspace: "", subscription: "", owner: "", event: "", state: "" };

/** Activity of an attempt, or the reason why it needs attention, most urgent first. */
export const ATTEMPT_STATES = [...SUSPICIONS, "lost", "unprotected", "committing", "releasing", "running"] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

export function attemptState(attempt: Pick<ShownAttempt, "hold" | "phase" | "suspicion">): AttemptState {
  const { hold, phase, suspicion } = attempt;
  if (hold === "never") return "unprotected";
  if (hold === "lost") return "lost";
  return suspicion ?? phase;
}

export type SortColumn = "event" | "subscription" | "owner" | "attempt" | "fence" | "state" | "lease" | "began";

export interface AttemptSorting {
  readonly column: SortColumn;
  readonly isDown: boolean;
}

/** Attempts that need attention come first, then leases that end first. */
export const BY_URGENCY: AttemptSorting = { column: "state", isDown: false };

/** Returns the end of the current lease. */
export function leaseEndsMs({ leaseFromMs, leaseMs }: ShownAttempt): number {
  return leaseFromMs + leaseMs;
}

const values: Readonly<Record<SortColumn, (attempt: ShownAttempt) => number | string>> = {
  event: ({ identity }) => identity.eventId,
  subscription: ({ identity }) => identity.subscriptionId,
  owner: ({ owner }) => owner,
  attempt: ({ attempt }) => attempt,
  fence: ({ fence }) => fence,
  state: (attempt) => ATTEMPT_STATES.indexOf(attemptState(attempt)),
  lease: leaseEndsMs,
  began: ({ beganAtMs }) => beganAtMs,
};

/** Filters and sorts the attempts. Sorting starts from the previous order, which is fast for an almost sorted list. */
export class AttemptList {
  #last: readonly ShownAttempt[] = [];
  #of: ReadonlyMap<string, ShownAttempt> | undefined;
  #lastQuery = "";

  /** @param version of `attempts`. The result is reused while it stays the same. */
  rows(
    attempts: ReadonlyMap<string, ShownAttempt>,
    version: number,
    filter: AttemptFilter,
    order: AttemptSorting,
  ): readonly ShownAttempt[] {
    const query = JSON.stringify([version, filter, order]);
    if (attempts === this.#of && query === this.#lastQuery) return this.#last;
    this.#of = attempts;
    this.#lastQuery = query;
    this.#last = this.#inLastOrder(attempts)
      .filter((attempt) => matches(attempt, filter))
      .sort(comparison(order));
    return this.#last;
  }

  /** Returns all attempts: known ones in the last order, then new ones. */
  #inLastOrder(attempts: ReadonlyMap<string, ShownAttempt>): ShownAttempt[] {
    const seen = new Set<string>();
    const rows: ShownAttempt[] = [];
    for (const { id } of this.#last) {
      const attempt = attempts.get(id);
      if (attempt === undefined) continue;
      seen.add(id);
      rows.push(attempt);
    }
    for (const attempt of attempts.values()) if (!seen.has(attempt.id)) rows.push(attempt);
    return rows;
  }
}

function matches(attempt: ShownAttempt, { workspace, subscription, owner, event, state }: AttemptFilter): boolean {
  const { identity } = attempt;
  return (
    contains(identity.workspaceId, workspace) &&
    contains(identity.subscriptionId, subscription) &&
    contains(attempt.owner, owner) &&
    contains(identity.eventId, event) &&
    (state === "" || attemptState(attempt) === state)
  );
}

function contains(text: string, part: string): boolean {
  return part === "" || text.toLowerCase().includes(part.toLowerCase());
}

function comparison({ column, isDown }: AttemptSorting): (one: ShownAttempt, other: ShownAttempt) => number {
  const sortedBy = values[column];
  const sign = isDown ? -1 : 1;
  return (one, other) => {
    const [a, b] = [sortedBy(one), sortedBy(other)];
    if (a === b) return leaseEndsMs(one) - leaseEndsMs(other);
    return a < b ? -sign : sign;
  };
}

/** Returns suggestions for a filter: the first distinct names, sorted. */
export function namesOf(
  attempts: Iterable<ShownAttempt>,
  nameOf: (attempt: ShownAttempt) => string,
): readonly string[] {
  const names = new Set<string>();
  for (const attempt of attempts) {
    names.add(nameOf(attempt));
    if (names.size === NAMES_LIMIT) break;
  }
  return [...names].sort();
}

const NAMES_LIMIT = 30;
