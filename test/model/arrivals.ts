import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { aged, type ModelAttempt, newer } from "./attempt.ts";
import { type Holding, matches, misuse, type Register, type Violation, type Write, written } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";

/** What becomes of a flight's question: its answer, of which the flight has yet to hear, and the register after it. */
export interface Arrival {
  readonly label: string;
  readonly costs?: Fault;
  readonly flight: ModelAttempt;
  readonly register: Register;
  /** Whether it would be otherwise if something else stood in the register. */
  readonly looks: boolean;
  /** Whether something else has come to stand there. */
  readonly isWrite: boolean;
  readonly violations: readonly Violation[];
}

/** What can become of a question on its way: it arrives, and its answer sets out; or something goes wrong. */
export function arrivals(scope: Scope, flight: ModelAttempt, asked: Write | "read", register: Register): Arrival[] {
  const sent: ModelAttempt = { ...flight, asked: undefined };
  return asked === "read" ? readArrivals(sent, register) : writeArrivals(scope, sent, asked, register);
}

function readArrivals(sent: ModelAttempt, register: Register): Arrival[] {
  const arrival = { register, looks: true, isWrite: false, violations: [] };
  const isRecordPast = register.held !== "nothing";
  const stale: Arrival[] = [
    {
      ...arrival,
      label: "its read shows that there was nothing",
      costs: "stale read",
      flight: answered(sent, { type: "found.nothing" }),
    },
    ...(isRecordPast
      ? [
          {
            ...arrival,
            label: "its read shows the past",
            costs: "stale read",
            flight: shownThePast(sent, register),
          } as const,
        ]
      : []),
  ];
  return [
    { ...arrival, label: "its read arrives", flight: shown(sent, register) },
    ...stale,
    { ...arrival, label: "its read is lost", costs: "trouble", flight: answered(sent, unreachable(false)) },
    {
      ...arrival,
      label: "its read makes no sense",
      costs: "broken answer",
      flight: answered(sent, broken(sent, false)),
    },
  ];
}

function writeArrivals(scope: Scope, sent: ModelAttempt, asked: Write, register: Register): Arrival[] {
  const unchanged = { register, looks: true, isWrite: false, violations: [] };
  const label = `its ${asked.kind} over ${WORDS[asked.expected]}`;
  const lost: Arrival[] = [
    { ...unchanged, label: `${label} is lost`, costs: "trouble", flight: answered(sent, unreachable(true)) },
    { ...unchanged, label: `${label} is turned away`, costs: "trouble", flight: answered(sent, unreachable(false)) },
    {
      ...unchanged,
      label: `${label} is late`,
      costs: "trouble",
      flight: answered({ ...sent, loose: [...sent.loose, asked] }, unreachable(true)),
    },
    {
      ...unchanged,
      label: `${label} gets no sensible answer`,
      costs: "broken answer",
      flight: answered(sent, broken(sent, true)),
    },
  ];
  if (asked.kind === "remove" && !scope.canRemove) {
    const impossible = answered(sent, { type: "unremovable" });
    return [{ ...unchanged, label: `${label} is not possible`, flight: impossible }, ...lost];
  }
  const refused = answered(sent, { type: "write.conflicted" });
  const explains = scope.tellsConflicts !== "never";
  if (!matches(register, asked)) {
    const explained = { ...unchanged, label: `${label} is refused, and told why`, flight: shown(sent, register) };
    const silent = { ...unchanged, looks: asked.expected !== "gone", label: `${label} is refused`, flight: refused };
    return [silent, ...(explains ? [explained] : []), ...lost];
  }
  const done = landed(sent, asked, register);
  const falsely: Omit<Arrival, "flight"> = {
    ...unchanged,
    label: `${label} is falsely refused`,
    costs: "false refusal",
  };
  return [
    { ...done, label: `${label} is applied`, flight: acknowledged(done.flight, asked) },
    {
      ...done,
      label: `${label} is applied, its answer lost`,
      costs: "trouble",
      flight: answered(done.flight, unreachable(true)),
    },
    { ...falsely, flight: refused },
    {
      ...done,
      label: `${label} is applied, and called refused`,
      costs: "false refusal",
      flight: answered(done.flight, { type: "write.conflicted" }),
    },
    ...(explains && register.held !== "nothing" ? [{ ...falsely, flight: shownThePast(sent, register) }] : []),
    ...lost,
  ];
}

function acknowledged(flight: ModelAttempt, { kind }: Write): ModelAttempt {
  if (kind === "remove") return answered(flight, { type: "removed" });
  const revision = newer(flight);
  return answered({ ...flight, current: revision }, { type: "write.acked", revision, late: false });
}

const WORDS = { nothing: "nothing", current: "what stands there", gone: "what is gone" } as const;

/** A write of the flight at the register, which it matches; the flight hears nothing of it. */
export function landed(flight: ModelAttempt, { kind }: Write, register: Register): Omit<Arrival, "label"> {
  const wrong = misuse(register, kind, flight.owns);
  return {
    flight: {
      ...aged(flight, register),
      owns: kind !== "remove",
      isFresh: kind === "claim" || kind === "renew",
      hasCommitted: flight.hasCommitted || kind === "commit",
    },
    register: written(register, kind, kind === "claim" && flight.isLate),
    looks: true,
    isWrite: true,
    violations: wrong === undefined ? [] : [wrong],
  };
}

function answered(flight: ModelAttempt, answer: DedupKeyEvent): ModelAttempt {
  return { ...flight, answer };
}

function unreachable(ambiguous: boolean): DedupKeyEvent {
  return { type: "store.unreachable", ambiguous };
}

/** As the engine judges it: while nothing is dispatched the claim is given up; after that it is trouble like any other. */
function broken({ handler }: ModelAttempt, ambiguous: boolean): DedupKeyEvent {
  return handler === "unstarted" ? { type: "store.broken" } : unreachable(ambiguous);
}

/** The flight that is shown what stands there. */
function shown(flight: ModelAttempt, { holds }: Register): ModelAttempt {
  if (holds === "nothing") return answered(flight, { type: "found.nothing" });
  const current = flight.current === 0 ? newer(flight) : flight.current;
  return answered({ ...flight, current }, found(holds, flight.owns, current));
}

/** The same out of date. What the flight knows to stand there now is newer; all else that it knows is not. */
function shownThePast(flight: ModelAttempt, { held }: Register): ModelAttempt {
  const unknown = flight.current === 0 ? newer(flight) : flight.current - 0.5;
  const past = flight.past === 0 ? unknown : flight.past;
  return answered({ ...flight, past }, found(held === "commit" ? held : "reservation", flight.ownedPast, past));
}

function found(holds: Exclude<Holding, "nothing">, isOwn: boolean, revision: number): DedupKeyEvent {
  if (holds === "commit") return { type: isOwn ? "found.own.commit" : "found.commit", revision };
  return isOwn
    ? { type: "found.own.reservation", revision, late: false }
    : { type: "found.reservation", revision, attempt: 1, ended: false };
}
