import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import type { Expected, Register, Write } from "./register.ts";
import { mayClaim, type Place } from "./stepped-machine.ts";

/**
 * One delivery on its way through the machine, with its timers and the messages in flight.
 *
 * Only the order of revisions within an attempt matters, and which one is current. So revisions are small numbers, however many
 * writes there were.
 */
export interface ModelAttempt {
  readonly place: Place;
  /** Request that has not arrived at the store. */
  readonly request: Write | "read" | undefined;
  /** Answer in flight. Whether the lease has ended is decided on its arrival. */
  readonly answer: DedupKeyEvent | undefined;
  /** Writes in flight that no caller waits for and that may still be applied. */
  readonly lateWrites: readonly Write[];
  /** True if the lease of the claim in progress has already ended. */
  readonly isLate: boolean;
  readonly timers: Timers;
  readonly handler: "unstarted" | "running" | "succeeded" | "failed";
  /** True if the handler was aborted. */
  readonly isAborted: boolean;
  /** True if its process is frozen and the lease has ended. */
  readonly isFrozen: boolean;
  /** True if the record in the register carries this attempt's token. */
  readonly owns: boolean;
  /** True if that record was written after the attempt's last lease began, so a new lease can begin. */
  readonly isFresh: boolean;
  /** Revision in the register if the attempt knows it, else 0. */
  readonly current: number;
  /** `owns` and `current` for the previous record. */
  readonly ownedPast: boolean;
  readonly past: number;
  /** True if a commit of this attempt was applied. */
  readonly hasCommitted: boolean;
  /** Rank of its last reservation's fence among those of all attempts. 0 before a reservation, and if no effect is modelled. */
  readonly fence: number;
  /** Number of statements that its handler has executed in the database. */
  readonly statements: number;
}

export interface Timers {
  readonly retry: boolean;
  readonly renewal: boolean;
  readonly lease: boolean;
}

const noTimers: Timers = { retry: false, renewal: false, lease: false };

/** An attempt before its first action. */
export const initialAttempt: Omit<ModelAttempt, "place"> = {
  request: undefined,
  answer: undefined,
  lateWrites: [],
  isLate: false,
  timers: noTimers,
  handler: "unstarted",
  isAborted: false,
  isFrozen: false,
  owns: false,
  isFresh: false,
  current: 0,
  ownedPast: false,
  past: 0,
  hasCommitted: false,
  fence: 0,
  statements: 0,
};

/** Revision that is no longer stored. A write that expects it conflicts. */
const GONE = -1;

/** Returns a revision that is newer than every revision the attempt knows. */
export function newer({ place: { context }, answer, current, past }: ModelAttempt): number {
  return Math.max(context.revision, context.newest, revisionIn(answer), current, past) + 1;
}

/** Returns the state of the register that a write with this expected revision requires. */
export function expectedBy(attempt: ModelAttempt, revision: number): Expected {
  if (revision === 0) return "nothing";
  return revision === attempt.current ? "current" : "gone";
}

/** Returns true if the attempt measures its lease and therefore notices its end. */
export function countsLease({ place, timers, isLate, isFrozen }: ModelAttempt): boolean {
  return mayClaim(place.leaf) ? !isLate : timers.lease && !isFrozen;
}

/** Returns true if the handler runs on a reservation and was not aborted. */
export function isHolding({ handler, isAborted, isFrozen, place }: ModelAttempt): boolean {
  return handler === "running" && !isAborted && !isFrozen && !place.context.unprotected;
}

/** Returns the attempt after the register has changed; `before` is its previous content. */
export function aged(attempt: ModelAttempt, before: Pick<Register, "holds">): ModelAttempt {
  const past = before.holds === "nothing" ? attempt : { ownedPast: attempt.owns, past: attempt.current };
  return {
    ...attempt,
    owns: false,
    isFresh: false,
    current: 0,
    ownedPast: past.ownedPast,
    past: past.past,
    request: gone(attempt.request),
    lateWrites: attempt.lateWrites.map(gone),
  };
}

function gone<Sent extends Write | "read" | undefined>(request: Sent): Sent {
  return typeof request === "object" && request.expected === "current" ? { ...request, expected: "gone" } : request;
}

/** Returns the attempt without details that no later step depends on, and with the smallest equivalent revisions. */
export function canonical(attempt: ModelAttempt): ModelAttempt {
  const { place, answer, timers } = attempt;
  const { leaf, context } = place;
  const referred = [context.revision, context.newest, context.expected, revisionIn(answer)];
  const current = referred.includes(attempt.current) ? attempt.current : 0;
  const past = referred.includes(attempt.past) ? attempt.past : 0;
  const isEnded = attempt.handler === "succeeded" || attempt.handler === "failed";
  const isSettling = leaf.includes(".committing") || leaf.includes(".releasing");
  const inUse = [context.revision, context.newest, revisionIn(answer), current, past].filter(
    (revision) => revision > 0,
  );
  const ranks = [...new Set(inUse)].sort((a, b) => a - b);
  const rank = (revision: number): number => ranks.indexOf(revision) + 1;
  const expected = expectedBy(attempt, context.expected);
  return {
    ...attempt,
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
    lateWrites: attempt.lateWrites
      .filter((write) => write.expected !== "gone")
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    isLate: attempt.isLate && mayClaim(leaf),
    isFresh: attempt.isFresh && (mayClaim(leaf) || timers.lease),
    isAborted: attempt.isAborted && attempt.handler === "running",
    timers: isSettling ? { ...noTimers, retry: timers.retry } : timers,
    current: rank(current),
    past: rank(past),
    fence: isEnded || context.unprotected ? 0 : attempt.fence,
    statements: isEnded ? 0 : attempt.statements,
  };
}

/** Numbers attempts. Equivalent attempts have the same number. */
export class ModelAttempts {
  readonly #keepsPast: boolean;
  readonly #keepsFences: boolean;
  readonly #known = new Map<string, number>();
  readonly #attempts: ModelAttempt[] = [];

  constructor({ keepsPast, keepsFences }: { readonly keepsPast: boolean; readonly keepsFences: boolean }) {
    this.#keepsPast = keepsPast;
    this.#keepsFences = keepsFences;
  }

  get count(): number {
    return this.#attempts.length;
  }

  at(id: number): ModelAttempt {
    const attempt = this.#attempts[id];
    if (attempt === undefined) throw new RangeError(`There is no attempt ${id}`);
    return attempt;
  }

  idOf(attempt: ModelAttempt): number {
    const past = this.#keepsPast ? attempt : { ...attempt, ownedPast: false, past: 0 };
    const short = canonical(this.#keepsFences ? past : { ...past, fence: 0 });
    const key = JSON.stringify(short);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#attempts.push(short) - 1;
    this.#known.set(key, id);
    return id;
  }
}

function revisionIn(event: DedupKeyEvent | undefined): number {
  return event !== undefined && "revision" in event ? event.revision : 0;
}
