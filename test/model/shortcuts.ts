import { isDeepStrictEqual } from "node:util";
import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { countsLease, inShort, type ModelAttempt, newer } from "./attempt.ts";
import { type Truth, tell } from "./driver.ts";
import { judged, type Move, said, singleMovesOf } from "./moves.ts";
import { emptyRegister, type Write } from "./register.ts";
import type { Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";

/**
 * Returns the possible steps of an attempt, without orders that make no difference to the guarantees:
 *
 * - If an attempt can only receive its answer, it receives it at once. The steps of others may as well follow: the attempt only
 *   sends another request, which has not arrived yet.
 * - If a step that concerns no other attempt sends a request, it happens when the request arrives. The steps of others in between
 *   may as well come before.
 */
export function movesOf(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt, truth: Truth): Move[] {
  return singleMovesOf(machine, scope, attempt, truth)
    .flatMap((move) => answeredAtOnce(machine, scope, move, truth))
    .flatMap((move) => {
      if (!concernsNobody(scope, attempt, move, truth)) return [move];
      const next = movesOf(machine, scope, move.attempt, truth).filter(({ arrives }) => arrives);
      return next.map((then) => ({ ...then, label: `${move.label}; ${then.label}` }));
    });
}

function answeredAtOnce(machine: SteppedMachine, scope: Scope, move: Move, truth: Truth): Move[] {
  const { attempt, register, settled, label } = move;
  const { answer } = attempt;
  if (settled !== undefined || answer === undefined || hasChoices(scope, attempt, answer)) return [move];
  const wasCommitted = truth.wasCommitted || register.holds === "commit";
  return judged(attempt, answer, register).flatMap(({ event, at, costs = move.costs }) => {
    if (move.costs !== undefined && costs !== move.costs) return [];
    const outcome = tell(machine, at, event, { ...truth, register, wasCommitted });
    const received: Move = {
      ...move,
      ...outcome,
      costs,
      label: `${label}; it receives ${said(event)}`,
      ghosts: [...move.ghosts, ...outcome.ghosts],
      violations: [...move.violations, ...outcome.violations],
    };
    return answeredAtOnce(machine, scope, received, truth);
  });
}

/** Returns true if anything else that matters can happen to the attempt before its answer or its next request. */
function hasChoices(
  { faults }: Scope,
  { handler, timers, isAsleep, isLate, place }: ModelAttempt,
  answer?: DedupKeyEvent,
): boolean {
  const isJudgedByTime = answer?.type === "write.acked" || answer?.type === "found.own.reservation";
  const mayBeLate = (faults.slowness ?? 0) > 0 && mayClaim(place.leaf) && !isLate && isJudgedByTime;
  return handler === "running" || timers.retry || timers.renewal || timers.lease || isAsleep || mayBeLate;
}

/** Returns true if the move, whatever the store holds, only makes an attempt without a lease send a request. */
function concernsNobody(scope: Scope, before: ModelAttempt, move: Move, { register }: Truth): boolean {
  const { attempt, settled, costs, isRenewal, ghosts, looks, isWrite, violations } = move;
  const isHidden =
    !looks && !isWrite && move.register === register && ghosts.length === 0 && costs === undefined && !isRenewal;
  const isSending = settled === undefined && violations.length === 0 && attempt.request !== undefined;
  return isHidden && isSending && !countsLease(before) && !hasChoices(scope, attempt);
}

/**
 * Returns the attempt without messages that change nothing: an answer that it ignores, or a request whose every answer it would
 * ignore. Returns undefined for an attempt that ends soon with any answer and cannot write until then.
 */
export function hurried(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt): ModelAttempt | undefined {
  const { request, answer } = attempt;
  if (answer !== undefined) return isIgnored(machine, attempt, answer) ? { ...attempt, answer: undefined } : attempt;
  if (request === undefined || !isHarmless(attempt)) return attempt;
  if (answersTo(attempt, request).every((any) => isIgnored(machine, attempt, any)))
    return { ...attempt, request: undefined };
  return isAsGoodAsOver(machine, scope, attempt) ? undefined : attempt;
}

function isIgnored(machine: SteppedMachine, attempt: ModelAttempt, event: DedupKeyEvent): boolean {
  const { place, actions } = machine.step(attempt.place, event);
  const before = inShort({ ...attempt, answer: undefined });
  return actions.length === 0 && isDeepStrictEqual(inShort({ ...before, place }), before);
}

/** Returns true if neither the attempt's request nor its writes in flight can change the register. */
function isHarmless({ request, owns, ownedPast, loose }: ModelAttempt): boolean {
  return !owns && !ownedPast && loose.length === 0 && (typeof request !== "object" || request.expected === "gone");
}

/** Returns the possible answers to such an attempt. */
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
  // A delivery before its dispatch may end with an answer outside the contract, and report that.
  if (request === undefined || handler === "unstarted" || !isHarmless(attempt) || hasChoices(scope, attempt))
    return false;
  // An attempt that repeats a request may repeat it forever.
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
