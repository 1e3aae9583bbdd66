import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { aged, type ModelAttempt, newer } from "./attempt.ts";
import { type Holding, matches, type Register, type Violation, violationOf, type Write, written } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";
import { NEWEST_FENCE } from "./transaction.ts";

/** Effect of an attempt's request: its answer, not yet received, and the register after it. */
export interface Arrival {
  readonly label: string;
  readonly costs?: Fault;
  readonly attempt: ModelAttempt;
  readonly register: Register;
  /** True if the effect depends on the content of the register. */
  readonly readsRegister: boolean;
  /** True if the content of the register changed. */
  readonly isWrite: boolean;
  readonly violations: readonly Violation[];
}

/** Returns every possible effect of a request: it arrives and is answered, or a fault happens. */
export function arrivals(scope: Scope, attempt: ModelAttempt, request: Write | "read", register: Register): Arrival[] {
  const sent: ModelAttempt = { ...attempt, request: undefined };
  return request === "read" ? readArrivals(sent, register) : writeArrivals(scope, sent, request, register);
}

function readArrivals(sent: ModelAttempt, register: Register): Arrival[] {
  const arrival = { register, readsRegister: true, isWrite: false, violations: [] };
  const isRecordPast = register.previous !== "nothing";
  const stale: Arrival[] = [
    {
      ...arrival,
      label: "its read shows the empty key of before",
      costs: "stale read",
      attempt: answered(sent, { type: "found.nothing" }),
    },
    ...(isRecordPast
      ? [
          {
            ...arrival,
            label: "its read shows the previous record",
            costs: "stale read",
            attempt: shownPrevious(sent, register),
          } as const,
        ]
      : []),
  ];
  return [
    { ...arrival, label: "its read arrives", attempt: shown(sent, register) },
    ...stale,
    { ...arrival, label: "its read is lost", costs: "trouble", attempt: answered(sent, unreachable(false)) },
    {
      ...arrival,
      label: "its read gets an invalid answer",
      costs: "broken answer",
      attempt: answered(sent, broken(sent, false)),
    },
  ];
}

function writeArrivals(scope: Scope, sent: ModelAttempt, request: Write, register: Register): Arrival[] {
  const unchanged = { register, readsRegister: true, isWrite: false, violations: [] };
  const label = `its ${request.kind} over ${WORDS[request.expected]}`;
  const lost: Arrival[] = [
    { ...unchanged, label: `${label} is lost`, costs: "trouble", attempt: answered(sent, unreachable(true)) },
    { ...unchanged, label: `${label} is rejected`, costs: "trouble", attempt: answered(sent, unreachable(false)) },
    {
      ...unchanged,
      label: `${label} is late`,
      costs: "trouble",
      attempt: answered({ ...sent, lateWrites: [...sent.lateWrites, request] }, unreachable(true)),
    },
    {
      ...unchanged,
      label: `${label} gets an invalid answer`,
      costs: "broken answer",
      attempt: answered(sent, broken(sent, true)),
    },
  ];
  if (request.kind === "remove" && !scope.canRemove) {
    const impossible = answered(sent, { type: "unremovable" });
    return [{ ...unchanged, label: `${label} is not possible`, attempt: impossible }, ...lost];
  }
  const refused = answered(sent, { type: "write.conflicted" });
  const explains = scope.explainsConflicts !== "never";
  if (!matches(register, request)) {
    const explained = {
      ...unchanged,
      label: `${label} is refused with the current record`,
      attempt: shown(sent, register),
    };
    const silent = {
      ...unchanged,
      readsRegister: request.expected !== "gone",
      label: `${label} is refused`,
      attempt: refused,
    };
    return [silent, ...(explains ? [explained] : []), ...lost];
  }
  const done = landed(sent, request, register);
  const falsely: Omit<Arrival, "attempt"> = {
    ...unchanged,
    label: `${label} is falsely refused`,
    costs: "false refusal",
  };
  return [
    { ...done, label: `${label} is applied`, attempt: acknowledged(done.attempt, request) },
    {
      ...done,
      label: `${label} is applied, its answer lost`,
      costs: "trouble",
      attempt: answered(done.attempt, unreachable(true)),
    },
    { ...falsely, attempt: refused },
    {
      ...done,
      label: `${label} is applied, and reported as refused`,
      costs: "false refusal",
      attempt: answered(done.attempt, { type: "write.conflicted" }),
    },
    ...(explains && register.previous !== "nothing" ? [{ ...falsely, attempt: shownPrevious(sent, register) }] : []),
    ...lost,
  ];
}

function acknowledged(attempt: ModelAttempt, { kind }: Write): ModelAttempt {
  if (kind === "remove") return answered(attempt, { type: "removed" });
  const revision = newer(attempt);
  return answered({ ...attempt, current: revision }, { type: "write.acked", revision, late: false });
}

const WORDS = { nothing: "nothing", current: "the current record", gone: "a replaced record" } as const;

/** Applies a write that matches the register. The attempt receives no answer. */
export function landed(attempt: ModelAttempt, { kind }: Write, register: Register): Omit<Arrival, "label"> {
  const wrong = violationOf(register, kind, attempt.owns);
  return {
    attempt: {
      ...aged(attempt, register),
      owns: kind !== "remove",
      isFresh: kind === "claim" || kind === "renew",
      hasCommitted: attempt.hasCommitted || kind === "commit",
      fence: kind === "claim" ? NEWEST_FENCE : attempt.fence,
    },
    register: written(register, kind, kind === "claim" && attempt.isLate),
    readsRegister: true,
    isWrite: true,
    violations: wrong === undefined ? [] : [wrong],
  };
}

function answered(attempt: ModelAttempt, answer: DedupKeyEvent): ModelAttempt {
  return { ...attempt, answer };
}

function unreachable(ambiguous: boolean): DedupKeyEvent {
  return { type: "store.unreachable", ambiguous };
}

/** Returns the engine's event for an invalid answer. Before the dispatch the claim fails; after it the engine retries. */
function broken({ handler }: ModelAttempt, ambiguous: boolean): DedupKeyEvent {
  return handler === "unstarted" ? { type: "store.broken" } : unreachable(ambiguous);
}

/** Returns the attempt with the current record as the answer. */
function shown(attempt: ModelAttempt, { holds }: Register): ModelAttempt {
  if (holds === "nothing") return answered(attempt, { type: "found.nothing" });
  const current = attempt.current === 0 ? newer(attempt) : attempt.current;
  return answered({ ...attempt, current }, found(holds, attempt.owns, current));
}

/** Returns the attempt with the previous record as the answer. Only the current revision is newer than this answer. */
function shownPrevious(attempt: ModelAttempt, { previous }: Register): ModelAttempt {
  const unknown = attempt.current === 0 ? newer(attempt) : attempt.current - 0.5;
  const past = attempt.past === 0 ? unknown : attempt.past;
  return answered(
    { ...attempt, past },
    found(previous === "commit" ? previous : "reservation", attempt.ownedPast, past),
  );
}

function found(holds: Exclude<Holding, "nothing">, isOwn: boolean, revision: number): DedupKeyEvent {
  if (holds === "commit") return { type: isOwn ? "found.own.commit" : "found.commit", revision };
  return isOwn
    ? { type: "found.own.reservation", revision, late: false }
    : { type: "found.reservation", revision, attempt: 1, ended: false };
}
