import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import type { Expected, Register, Write } from "./register.ts";
import { mayClaim, type Place } from "./stepped-machine.ts";

/**
 * One delivery on its way through the machine, and what the world owes it.
 *
 * Revisions are looked at for their order only, and only within a flight; the one that the register has now is marked. So they
 * are small numbers, however many writes there were.
 */
export interface ModelAttempt {
  readonly place: Place;
  /** The question to the store that has not arrived there. */
  readonly asked: Write | "read" | undefined;
  /** The answer that is on its way back; whether a lease is over is judged when it is here. */
  readonly answer: DedupKeyEvent | undefined;
  /** Writes of which nobody waits for the answer, and which may land yet. */
  readonly loose: readonly Write[];
  /** Whether the lease that the claim under way was to begin is over. */
  readonly isLate: boolean;
  readonly timers: Timers;
  readonly handler: "unstarted" | "running" | "succeeded" | "failed";
  /** Whether the handler was told to stop. */
  readonly isTold: boolean;
  /** Whether its process stands still, and the lease ended meanwhile. */
  readonly isAsleep: boolean;
  /** Whether what stands in the register carries this flight's token. */
  readonly owns: boolean;
  /** Whether that has been written since the flight's lease began last: whether there is a lease to begin. */
  readonly isFresh: boolean;
  /** The revision that stands in the register, if the flight knows it; else 0. */
  readonly current: number;
  /** The same of the last record that stands there no more. */
  readonly ownedPast: boolean;
  readonly past: number;
  /** Whether a commit of this flight was applied. */
  readonly hasCommitted: boolean;
}

export interface Timers {
  readonly retry: boolean;
  readonly renewal: boolean;
  readonly lease: boolean;
}

const noTimers: Timers = { retry: false, renewal: false, lease: false };

/** A flight that has not done anything yet. */
export const unborn: Omit<ModelAttempt, "place"> = {
  asked: undefined,
  answer: undefined,
  loose: [],
  isLate: false,
  timers: noTimers,
  handler: "unstarted",
  isTold: false,
  isAsleep: false,
  owns: false,
  isFresh: false,
  current: 0,
  ownedPast: false,
  past: 0,
  hasCommitted: false,
};

/** A revision that stands nowhere any more: whoever expects it meets a conflict. */
const GONE = -1;

/** A revision that is newer than all that the flight knows. */
export function newer({ place: { context }, answer, current, past }: ModelAttempt): number {
  return Math.max(context.revision, context.newest, revisionIn(answer), current, past) + 1;
}

/** What a write that expects this revision finds. */
export function expectedBy(flight: ModelAttempt, revision: number): Expected {
  if (revision === 0) return "nothing";
  return revision === flight.current ? "current" : "gone";
}

/** Whether the holder counts its lease: what it wrote is not over before it knows. */
export function countsLease({ place, timers, isLate, isAsleep }: ModelAttempt): boolean {
  return mayClaim(place.leaf) ? !isLate : timers.lease && !isAsleep;
}

/** Whether the handler runs on a reservation, and nothing tells it that it should not. */
export function isHolding({ handler, isTold, isAsleep, place }: ModelAttempt): boolean {
  return handler === "running" && !isTold && !isAsleep && !place.context.unprotected;
}

/** The flight, when something else has come to stand in the register; `before` is what it was. */
export function aged(flight: ModelAttempt, before: Pick<Register, "holds">): ModelAttempt {
  const past = before.holds === "nothing" ? flight : { ownedPast: flight.owns, past: flight.current };
  return {
    ...flight,
    owns: false,
    isFresh: false,
    current: 0,
    ownedPast: past.ownedPast,
    past: past.past,
    asked: gone(flight.asked),
    loose: flight.loose.map(gone),
  };
}

function gone<Asked extends Write | "read" | undefined>(asked: Asked): Asked {
  return typeof asked === "object" && asked.expected === "current" ? { ...asked, expected: "gone" } : asked;
}

/** The flight without what nothing can depend on any more, and with the smallest revisions. */
export function inShort(flight: ModelAttempt): ModelAttempt {
  const { place, answer, timers } = flight;
  const { leaf, context } = place;
  const referred = [context.revision, context.newest, context.expected, revisionIn(answer)];
  const current = referred.includes(flight.current) ? flight.current : 0;
  const past = referred.includes(flight.past) ? flight.past : 0;
  const isSettling = leaf.includes(".committing") || leaf.includes(".releasing");
  const inUse = [context.revision, context.newest, revisionIn(answer), current, past].filter(
    (revision) => revision > 0,
  );
  const ranks = [...new Set(inUse)].sort((a, b) => a - b);
  const rank = (revision: number): number => ranks.indexOf(revision) + 1;
  const expected = expectedBy(flight, context.expected);
  return {
    ...flight,
    place: {
      leaf,
      context: {
        ...context,
        revision: rank(context.revision),
        newest: rank(context.newest),
        expected: expected === "nothing" ? 0 : expected === "current" ? rank(current) : GONE,
      },
    },
    answer: answer !== undefined && "revision" in answer ? { ...answer, revision: rank(answer.revision) } : answer,
    loose: flight.loose
      .filter((write) => write.expected !== "gone")
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    isLate: flight.isLate && mayClaim(leaf),
    isFresh: flight.isFresh && (mayClaim(leaf) || timers.lease),
    isTold: flight.isTold && flight.handler === "running",
    timers: isSettling ? { ...noTimers, retry: timers.retry } : timers,
    current: rank(current),
    past: rank(past),
  };
}

/** Attempts that differ in nothing that matters are one and the same, and have a number. */
export class ModelAttempts {
  readonly #remembersPast: boolean;
  readonly #known = new Map<string, number>();
  readonly #flights: ModelAttempt[] = [];

  constructor({ remembersPast }: { readonly remembersPast: boolean }) {
    this.#remembersPast = remembersPast;
  }

  get count(): number {
    return this.#flights.length;
  }

  at(id: number): ModelAttempt {
    const flight = this.#flights[id];
    if (flight === undefined) throw new RangeError(`There is no flight ${id}`);
    return flight;
  }

  idOf(flight: ModelAttempt): number {
    const short = inShort(this.#remembersPast ? flight : { ...flight, ownedPast: false, past: 0 });
    const key = JSON.stringify(short);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#flights.push(short) - 1;
    this.#known.set(key, id);
    return id;
  }
}

function revisionIn(event: DedupKeyEvent | undefined): number {
  return event !== undefined && "revision" in event ? event.revision : 0;
}
