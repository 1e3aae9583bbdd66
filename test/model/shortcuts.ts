import { isDeepStrictEqual } from "node:util";
import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { countsLease, inShort, type ModelAttempt, newer } from "./attempt.ts";
import { type Truth, tell } from "./driver.ts";
import { judged, type Move, said, singleMovesOf } from "./moves.ts";
import { emptyRegister, type Write } from "./register.ts";
import type { Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";

/**
 * Everything that can happen to a flight, but for what makes no difference to the guarantees:
 *
 * - Where nothing but the answer can happen to a flight, it hears it at the moment in which the store gives it. What others do
 *   before it hears of it they can as well do right after: what it does then is to ask again, and that has yet to arrive.
 * - Where a flight asks because of something that concerns nobody else, that happens at the moment in which the question
 *   arrives. What others do in between they can as well do right before.
 */
export function movesOf(machine: SteppedMachine, scope: Scope, flight: ModelAttempt, truth: Truth): Move[] {
  return singleMovesOf(machine, scope, flight, truth)
    .flatMap((move) => heardAtOnce(machine, scope, move, truth))
    .flatMap((move) => {
      if (!concernsNobody(scope, flight, move, truth)) return [move];
      const next = movesOf(machine, scope, move.flight, truth).filter(({ arrives }) => arrives);
      return next.map((then) => ({ ...then, label: `${move.label}; ${then.label}` }));
    });
}

function heardAtOnce(machine: SteppedMachine, scope: Scope, move: Move, truth: Truth): Move[] {
  const { flight, register, settled, label } = move;
  const { answer } = flight;
  if (settled !== undefined || answer === undefined || hasChoices(scope, flight, answer)) return [move];
  const wasCommitted = truth.wasCommitted || register.holds === "commit";
  return judged(flight, answer, register).flatMap(({ event, at, costs = move.costs }) => {
    if (move.costs !== undefined && costs !== move.costs) return [];
    const flown = tell(machine, at, event, { ...truth, register, wasCommitted });
    const heard: Move = {
      ...move,
      ...flown,
      costs,
      label: `${label}; it hears ${said(event)}`,
      ghosts: [...move.ghosts, ...flown.ghosts],
      violations: [...move.violations, ...flown.violations],
    };
    return heardAtOnce(machine, scope, heard, truth);
  });
}

/** Whether anything can happen to the flight before it hears the answer, or asks the question, that makes a difference to it. */
function hasChoices(
  { faults }: Scope,
  { handler, timers, isAsleep, isLate, place }: ModelAttempt,
  answer?: DedupKeyEvent,
): boolean {
  const isJudgedByTime = answer?.type === "write.acked" || answer?.type === "found.own.reservation";
  const mayBeLate = (faults.slowness ?? 0) > 0 && mayClaim(place.leaf) && !isLate && isJudgedByTime;
  return handler === "running" || timers.retry || timers.renewal || timers.lease || isAsleep || mayBeLate;
}

/** Whether all that a move does, whatever stands at the store, is to have a flight ask that has no lease to wait for. */
function concernsNobody(scope: Scope, before: ModelAttempt, move: Move, { register }: Truth): boolean {
  const { flight, settled, costs, isRenewal, ghosts, looks, isWrite, violations } = move;
  const isHidden =
    !looks && !isWrite && move.register === register && ghosts.length === 0 && costs === undefined && !isRenewal;
  const isAsking = settled === undefined && violations.length === 0 && flight.asked !== undefined;
  return isHidden && isAsking && !countsLease(before) && !hasChoices(scope, flight);
}

/**
 * The flight without what is sure to come and to change nothing: an answer that it ignores, or a question of which it would
 * ignore any answer. Undefined for a flight that ends soon, whatever it is answered, and can write no more until then.
 */
export function hurried(machine: SteppedMachine, scope: Scope, flight: ModelAttempt): ModelAttempt | undefined {
  const { asked, answer } = flight;
  if (answer !== undefined) return isIgnored(machine, flight, answer) ? { ...flight, answer: undefined } : flight;
  if (asked === undefined || !isHarmless(flight)) return flight;
  if (answersTo(flight, asked).every((any) => isIgnored(machine, flight, any))) return { ...flight, asked: undefined };
  return isAsGoodAsOver(machine, scope, flight) ? undefined : flight;
}

function isIgnored(machine: SteppedMachine, flight: ModelAttempt, event: DedupKeyEvent): boolean {
  const { place, actions } = machine.step(flight.place, event);
  const before = inShort({ ...flight, answer: undefined });
  return actions.length === 0 && isDeepStrictEqual(inShort({ ...before, place }), before);
}

/** Whether neither the flight's question nor any of its writes on their way can change the register. */
function isHarmless({ asked, owns, ownedPast, loose }: ModelAttempt): boolean {
  return !owns && !ownedPast && loose.length === 0 && (typeof asked !== "object" || asked.expected === "gone");
}

/** What such a flight can be answered. */
function answersTo(flight: ModelAttempt, asked: Write | "read"): DedupKeyEvent[] {
  const revision = newer(flight);
  const found: DedupKeyEvent[] = [
    { type: "found.nothing" },
    { type: "found.reservation", revision, attempt: 1, ended: false },
    { type: "found.reservation", revision, attempt: 1, ended: true },
    { type: "found.commit", revision },
    { type: "store.unreachable", ambiguous: false },
  ];
  if (asked === "read") return found;
  const unremovable: DedupKeyEvent[] = asked.kind === "remove" ? [{ type: "unremovable" }] : [];
  return [...found, { type: "write.conflicted" }, { type: "store.unreachable", ambiguous: true }, ...unremovable];
}

function isAsGoodAsOver(
  machine: SteppedMachine,
  scope: Scope,
  flight: ModelAttempt,
  been: readonly string[] = [],
): boolean {
  const { asked, handler, place } = flight;
  // A delivery that has not been dispatched may be broken off by what makes no sense, and it may say so.
  if (asked === undefined || handler === "unstarted" || !isHarmless(flight) || hasChoices(scope, flight)) return false;
  // One that asks the same again may do so for ever.
  if (been.includes(place.leaf)) return false;
  return answersTo(flight, asked).every((answer) => {
    const next = tell(machine, { ...flight, asked: undefined }, answer, NO_TRUTH);
    if (next.violations.length > 0) return false;
    return next.settled !== undefined || isAsGoodAsOver(machine, scope, next.flight, [...been, place.leaf]);
  });
}

/** For steps that depend on nothing else in the world. */
const NO_TRUTH: Truth = {
  register: emptyRegister,
  wasCommitted: false,
  mayVanish: false,
  mayBeOutdated: false,
  renews: true,
};
