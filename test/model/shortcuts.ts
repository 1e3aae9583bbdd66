import { isDeepStrictEqual } from "node:util";
import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { countsLease, inShort, type ModelAttempt, newer } from "./attempt.ts";
import { type Truth, tell } from "./driver.ts";
import { judged, type Move, said, singleMovesOf } from "./moves.ts";
import { emptyRegister, type Write } from "./register.ts";
import type { Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";

/**
 * Everything that can happen to an attempt, but for what makes no difference to the guarantees:
 *
 * - Where nothing but the answer can happen to an attempt, it hears it at the moment in which the store gives it. What others do
 *   before it hears of it they can as well do right after: what it does then is to ask again, and that has yet to arrive.
 * - Where an attempt asks because of something that concerns nobody else, that happens at the moment in which the request
 *   arrives. What others do in between they can as well do right before.
 */
export function movesOf(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt, truth: Truth): Move[] {
  return singleMovesOf(machine, scope, attempt, truth)
    .flatMap((move) => heardAtOnce(machine, scope, move, truth))
    .flatMap((move) => {
      if (!concernsNobody(scope, attempt, move, truth)) return [move];
      const next = movesOf(machine, scope, move.attempt, truth).filter(({ arrives }) => arrives);
      return next.map((then) => ({ ...then, label: `${move.label}; ${then.label}` }));
    });
}

function heardAtOnce(machine: SteppedMachine, scope: Scope, move: Move, truth: Truth): Move[] {
  const { attempt, register, settled, label } = move;
  const { answer } = attempt;
  if (settled !== undefined || answer === undefined || hasChoices(scope, attempt, answer)) return [move];
  const wasCommitted = truth.wasCommitted || register.holds === "commit";
  return judged(attempt, answer, register).flatMap(({ event, at, costs = move.costs }) => {
    if (move.costs !== undefined && costs !== move.costs) return [];
    const outcome = tell(machine, at, event, { ...truth, register, wasCommitted });
    const heard: Move = {
      ...move,
      ...outcome,
      costs,
      label: `${label}; it hears ${said(event)}`,
      ghosts: [...move.ghosts, ...outcome.ghosts],
      violations: [...move.violations, ...outcome.violations],
    };
    return heardAtOnce(machine, scope, heard, truth);
  });
}

/** Whether anything can happen to the attempt before it hears the answer, or asks the request, that makes a difference to it. */
function hasChoices(
  { faults }: Scope,
  { handler, timers, isAsleep, isLate, place }: ModelAttempt,
  answer?: DedupKeyEvent,
): boolean {
  const isJudgedByTime = answer?.type === "write.acked" || answer?.type === "found.own.reservation";
  const mayBeLate = (faults.slowness ?? 0) > 0 && mayClaim(place.leaf) && !isLate && isJudgedByTime;
  return handler === "running" || timers.retry || timers.renewal || timers.lease || isAsleep || mayBeLate;
}

/** Whether all that a move does, whatever stands at the store, is to have an attempt ask that has no lease to wait for. */
function concernsNobody(scope: Scope, before: ModelAttempt, move: Move, { register }: Truth): boolean {
  const { attempt, settled, costs, isRenewal, ghosts, looks, isWrite, violations } = move;
  const isHidden =
    !looks && !isWrite && move.register === register && ghosts.length === 0 && costs === undefined && !isRenewal;
  const isAsking = settled === undefined && violations.length === 0 && attempt.request !== undefined;
  return isHidden && isAsking && !countsLease(before) && !hasChoices(scope, attempt);
}

/**
 * The attempt without what is sure to come and to change nothing: an answer that it ignores, or a request of which it would
 * ignore any answer. Undefined for an attempt that ends soon, whatever it is answered, and can write no more until then.
 */
export function hurried(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt): ModelAttempt | undefined {
  const { request, answer } = attempt;
  if (answer !== undefined) return isIgnored(machine, attempt, answer) ? { ...attempt, answer: undefined } : attempt;
  if (request === undefined || !isHarmless(attempt)) return attempt;
  if (answersTo(attempt, request).every((any) => isIgnored(machine, attempt, any))) return { ...attempt, request: undefined };
  return isAsGoodAsOver(machine, scope, attempt) ? undefined : attempt;
}

function isIgnored(machine: SteppedMachine, attempt: ModelAttempt, event: DedupKeyEvent): boolean {
  const { place, actions } = machine.step(attempt.place, event);
  const before = inShort({ ...attempt, answer: undefined });
  return actions.length === 0 && isDeepStrictEqual(inShort({ ...before, place }), before);
}

/** Whether neither the attempt's request nor any of its writes on their way can change the register. */
function isHarmless({ request, owns, ownedPast, loose }: ModelAttempt): boolean {
  return !owns && !ownedPast && loose.length === 0 && (typeof request !== "object" || request.expected === "gone");
}

/** What such an attempt can be answered. */
function answersTo(attempt: ModelAttempt, request: Write | "read"): DedupKeyEvent[] {
  const revision = newer(attempt);
  const found: DedupKeyEvent[] = [
    { type: "found.nothing" },
    { type: "found.reservation", revision, attempt: 1, ended: false },
    { type: "found.reservation", revision, attempt: 1, ended: true },
    { type: "found.commit", revision },
    { type: "store.unreachable", ambiguous: false },
  ];
  if (request === "read") return found;
  const unremovable: DedupKeyEvent[] = request.kind === "remove" ? [{ type: "unremovable" }] : [];
  return [...found, { type: "write.conflicted" }, { type: "store.unreachable", ambiguous: true }, ...unremovable];
}

function isAsGoodAsOver(
  machine: SteppedMachine,
  scope: Scope,
  attempt: ModelAttempt,
  been: readonly string[] = [],
): boolean {
  const { request, handler, place } = attempt;
  // A delivery that has not been dispatched may be broken off by what makes no sense, and it may say so.
  if (request === undefined || handler === "unstarted" || !isHarmless(attempt) || hasChoices(scope, attempt)) return false;
  // One that asks the same again may do so for ever.
  if (been.includes(place.leaf)) return false;
  return answersTo(attempt, request).every((answer) => {
    const next = tell(machine, { ...attempt, request: undefined }, answer, NO_TRUTH);
    if (next.violations.length > 0) return false;
    return next.settled !== undefined || isAsGoodAsOver(machine, scope, next.attempt, [...been, place.leaf]);
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
