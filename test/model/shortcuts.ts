import { isDeepStrictEqual } from "node:util";
import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { canonical, countsLease, type ModelAttempt, newer } from "./attempt.ts";
import { type Environment, send } from "./driver.ts";
import { describeEvent, interpretations, type Move, singleMovesOf } from "./moves.ts";
import { emptyRegister, type Write } from "./register.ts";
import type { Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";
import { emptyDatabase } from "./transaction.ts";

/**
 * Returns the possible steps of an attempt, without interleavings that make no difference to the guarantees:
 *
 * - An attempt that can only receive its answer receives it at once. Steps of other attempts can follow: the attempt only sends
 *   another request, which has not arrived yet.
 * - A step that affects no other attempt and sends a request happens when the request arrives. Steps of other attempts that would
 *   come between the two can come first.
 */
export function movesOf(
  machine: SteppedMachine,
  scope: Scope,
  attempt: ModelAttempt,
  environment: Environment,
): Move[] {
  return singleMovesOf(machine, scope, attempt, environment)
    .flatMap((move) => answeredAtOnce(machine, scope, move, environment))
    .flatMap((move) => {
      if (!affectsNoOther(scope, attempt, move, environment)) return [move];
      const next = movesOf(machine, scope, move.attempt, environment).filter(({ arrives }) => arrives);
      return next.map((then) => ({ ...then, label: `${move.label}; ${then.label}` }));
    });
}

function answeredAtOnce(machine: SteppedMachine, scope: Scope, move: Move, environment: Environment): Move[] {
  const { attempt, register, settled, label } = move;
  const { answer } = attempt;
  if (settled !== undefined || answer === undefined || hasChoices(scope, attempt, answer)) return [move];
  const wasCommitted = environment.wasCommitted || register.holds === "commit";
  return interpretations(scope, attempt, answer, register).flatMap(({ event, at, costs = move.costs }) => {
    if (move.costs !== undefined && costs !== move.costs) return [];
    const outcome = send(machine, at, event, { ...environment, register, wasCommitted });
    const received: Move = {
      ...move,
      ...outcome,
      costs,
      label: `${label}; it receives ${describeEvent(event)}`,
      orphans: [...move.orphans, ...outcome.orphans],
      violations: [...move.violations, ...outcome.violations],
    };
    return answeredAtOnce(machine, scope, received, environment);
  });
}

/** Returns true if another relevant step of the attempt is possible before its answer or its next request. */
function hasChoices(
  { faults }: Scope,
  { handler, timers, isFrozen, isLate, place }: ModelAttempt,
  answer?: DedupKeyEvent,
): boolean {
  const isJudgedByTime = answer?.type === "write.acked" || answer?.type === "found.own.reservation";
  const mayBeLate = (faults.slowness ?? 0) > 0 && mayClaim(place.leaf) && !isLate && isJudgedByTime;
  return handler === "running" || timers.retry || timers.renewal || timers.lease || isFrozen || mayBeLate;
}

/** Returns true if the move only makes an attempt without a lease send a request, for any content of the store. */
function affectsNoOther(scope: Scope, before: ModelAttempt, move: Move, { register, database }: Environment): boolean {
  const { attempt, settled, costs, isRenewal, orphans, readsRegister, isWrite, violations } = move;
  const isHidden =
    !readsRegister &&
    !isWrite &&
    move.register === register &&
    move.database === database &&
    orphans.length === 0 &&
    costs === undefined &&
    !isRenewal;
  const isSending = settled === undefined && violations.length === 0 && attempt.request !== undefined;
  return isHidden && isSending && !countsLease(before) && !hasChoices(scope, attempt);
}

/**
 * Returns the attempt without messages that have no effect: an answer that it ignores, or a request whose every answer it would
 * ignore. Returns undefined for an attempt that ends with any answer and cannot write before its end.
 */
export function pruned(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt): ModelAttempt | undefined {
  const { request, answer } = attempt;
  if (answer !== undefined) return isIgnored(machine, attempt, answer) ? { ...attempt, answer: undefined } : attempt;
  if (request === undefined || !cannotWrite(attempt)) return attempt;
  if (answersTo(attempt, request).every((any) => isIgnored(machine, attempt, any)))
    return { ...attempt, request: undefined };
  return endsWithoutWriting(machine, scope, attempt) ? undefined : attempt;
}

function isIgnored(machine: SteppedMachine, attempt: ModelAttempt, event: DedupKeyEvent): boolean {
  const { place, actions } = machine.step(attempt.place, event);
  const before = canonical({ ...attempt, answer: undefined });
  return actions.length === 0 && isDeepStrictEqual(canonical({ ...before, place }), before);
}

/** Returns true if neither the attempt's request nor its writes in flight can change the register. */
function cannotWrite({ request, owns, ownedPast, lateWrites }: ModelAttempt): boolean {
  return !owns && !ownedPast && lateWrites.length === 0 && (typeof request !== "object" || request.expected === "gone");
}

/** Returns the possible answers to the request of an attempt that cannot write. */
function answersTo(attempt: ModelAttempt, request: Write | "read"): DedupKeyEvent[] {
  const revision = newer(attempt);
  const found: DedupKeyEvent[] = [
    { type: "found.nothing" },
    { type: "found.cleared" },
    { type: "found.reservation", revision, attempt: 1, ended: false },
    { type: "found.reservation", revision, attempt: 1, ended: true },
    { type: "found.commit", revision },
    { type: "store.unreachable", ambiguous: false },
  ];
  if (request === "read") return found;
  const unremovable: DedupKeyEvent[] = request.kind === "remove" ? [{ type: "unremovable" }] : [];
  return [...found, { type: "write.conflicted" }, { type: "store.unreachable", ambiguous: true }, ...unremovable];
}

function endsWithoutWriting(
  machine: SteppedMachine,
  scope: Scope,
  attempt: ModelAttempt,
  visited: readonly string[] = [],
): boolean {
  const { request, handler, place } = attempt;
  // Before its dispatch, a delivery may end with an invalid answer and report it.
  if (request === undefined || handler === "unstarted" || !cannotWrite(attempt) || hasChoices(scope, attempt))
    return false;
  // An attempt that repeats a request may repeat it forever.
  if (visited.includes(place.leaf)) return false;
  return answersTo(attempt, request).every((answer) => {
    const next = send(machine, { ...attempt, request: undefined }, answer, EMPTY_ENVIRONMENT);
    if (next.violations.length > 0) return false;
    return next.settled !== undefined || endsWithoutWriting(machine, scope, next.attempt, [...visited, place.leaf]);
  });
}

/** Environment of steps that do not depend on it. */
const EMPTY_ENVIRONMENT: Environment = {
  register: emptyRegister,
  wasCommitted: false,
  mayVanish: false,
  mayBeOutdated: false,
  renews: true,
  database: emptyDatabase,
};
