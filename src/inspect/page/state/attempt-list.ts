import type { ShownAttempt } from "../../server/wire.ts";

/** How what is in flight is narrowed; empty texts narrow nothing. */
export interface AttemptFilter {
  readonly workspace: string;
  readonly subscription: string;
  readonly owner: string;
  readonly event: string;
  readonly state: AttemptState | "";
}

export const NO_FILTER: AttemptFilter = { workspace: "", subscription: "", owner: "", event: "", state: "" };

/** What a flight does, in a word. */
export const ATTEMPT_STATES = ["running", "committing", "releasing", "lost", "unprotected"] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

export function flightState({ hold, phase }: Pick<ShownAttempt, "hold" | "phase">): AttemptState {
  if (hold === "never") return "unprotected";
  return hold === "lost" ? "lost" : phase;
}

export type SortColumn = "event" | "subscription" | "owner" | "attempt" | "fence" | "state" | "lease" | "began";

export interface AttemptOrder {
  readonly column: SortColumn;
  readonly isDown: boolean;
}

/** Where something is about to happen, comes first. */
export const BY_LEASE: AttemptOrder = { column: "lease", isDown: false };

/** When its present lease ends. */
export function leaseEndsMs({ leaseFromMs, leaseMs }: ShownAttempt): number {
  return leaseFromMs + leaseMs;
}

const values: Readonly<Record<SortColumn, (flight: ShownAttempt) => number | string>> = {
  event: ({ identity }) => identity.eventId,
  subscription: ({ identity }) => identity.subscriptionId,
  owner: ({ owner }) => owner,
  attempt: ({ attempt }) => attempt,
  fence: ({ fence }) => fence,
  state: flightState,
  lease: leaseEndsMs,
  began: ({ beganAtMs }) => beganAtMs,
};

/** The flights that are shown, in their order; remembers the last answer, since a list that is nearly in order is soon sorted. */
export class AttemptList {
  #last: readonly ShownAttempt[] = [];
  #of: ReadonlyMap<string, ShownAttempt> | undefined;
  #asked = "";

  /** @param version of the flights: as long as it is the same, so are they. */
  rows(
    flights: ReadonlyMap<string, ShownAttempt>,
    version: number,
    filter: AttemptFilter,
    order: AttemptOrder,
  ): readonly ShownAttempt[] {
    const asked = JSON.stringify([version, filter, order]);
    if (flights === this.#of && asked === this.#asked) return this.#last;
    this.#of = flights;
    this.#asked = asked;
    this.#last = this.#inLastOrder(flights)
      .filter((flight) => matches(flight, filter))
      .sort(comparison(order));
    return this.#last;
  }

  /** All of them: those of the last answer in its order, then the others. */
  #inLastOrder(flights: ReadonlyMap<string, ShownAttempt>): ShownAttempt[] {
    const seen = new Set<string>();
    const rows: ShownAttempt[] = [];
    for (const { id } of this.#last) {
      const flight = flights.get(id);
      if (flight === undefined) continue;
      seen.add(id);
      rows.push(flight);
    }
    for (const flight of flights.values()) if (!seen.has(flight.id)) rows.push(flight);
    return rows;
  }
}

function matches(flight: ShownAttempt, { workspace, subscription, owner, event, state }: AttemptFilter): boolean {
  const { identity } = flight;
  return (
    contains(identity.workspaceId, workspace) &&
    contains(identity.subscriptionId, subscription) &&
    contains(flight.owner, owner) &&
    contains(identity.eventId, event) &&
    (state === "" || flightState(flight) === state)
  );
}

function contains(text: string, part: string): boolean {
  return part === "" || text.toLowerCase().includes(part.toLowerCase());
}

function comparison({ column, isDown }: AttemptOrder): (one: ShownAttempt, other: ShownAttempt) => number {
  const sortedBy = values[column];
  const sign = isDown ? -1 : 1;
  return (one, other) => {
    const [a, b] = [sortedBy(one), sortedBy(other)];
    return a === b ? 0 : a < b ? -sign : sign;
  };
}

/** Names to choose from in a filter: the first of them, sorted. */
export function namesOf(flights: Iterable<ShownAttempt>, nameOf: (flight: ShownAttempt) => string): readonly string[] {
  const names = new Set<string>();
  for (const flight of flights) {
    names.add(nameOf(flight));
    if (names.size === MOST_NAMES) break;
  }
  return [...names].sort();
}

const MOST_NAMES = 30;
