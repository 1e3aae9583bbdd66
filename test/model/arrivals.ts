import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { aged, type Flight, newer } from "./flight.ts";
import { type Holding, matches, misuse, type Register, type Violation, type Write, written } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";

/** What becomes of a flight's question: its answer, of which the flight has yet to hear, and the register after it. */
export interface Arrival {
  readonly label: string;
  readonly costs?: Fault;
  readonly flight: Flight;
  readonly register: Register;
  /** Whether it would be otherwise if something else stood in the register. */
  readonly looks: boolean;
  /** Whether something else has come to stand there. */
  readonly isWrite: boolean;
  readonly violations: readonly Violation[];
}

/** What can become of a question on its way: it arrives, and its answer sets out; or something goes wrong. */
export function arrivals(scope: Scope, flight: Flight, asked: Write | "read", register: Register): Arrival[] {
  const sent: Flight = { ...flight, asked: undefined };
  const unchanged = { register, looks: true, isWrite: false, violations: [] };
  if (asked === "read") {
    return [
      { ...unchanged, label: "its read arrives", flight: shown(sent, register) },
      { ...unchanged, label: "its read shows the past", costs: "stale read", flight: shownThePast(sent, register) },
      { ...unchanged, label: "its read is lost", costs: "trouble", flight: answered(sent, unreachable(false)) },
      {
        ...unchanged,
        label: "its read makes no sense",
        costs: "broken answer",
        flight: answered(sent, broken(sent, false)),
      },
    ];
  }
  const label = `its ${asked.kind} over ${WORDS[asked.expected]}`;
  const trouble = { ...unchanged, costs: "trouble" } as const;
  const lost: Arrival[] = [
    { ...trouble, label: `${label} is lost`, flight: answered(sent, unreachable(true)) },
    { ...trouble, label: `${label} is turned away`, flight: answered(sent, unreachable(false)) },
    {
      ...trouble,
      label: `${label} is late`,
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
    return [
      { ...unchanged, label: `${label} is not possible`, flight: answered(sent, { type: "unremovable" }) },
      ...lost,
    ];
  }
  if (!matches(register, asked)) {
    const looks = asked.expected !== "gone";
    const silent = {
      ...unchanged,
      looks,
      label: `${label} is refused`,
      flight: answered(sent, { type: "write.conflicted" }),
    };
    const explained = { ...unchanged, label: `${label} is refused, and told why`, flight: shown(sent, register) };
    return [silent, ...(scope.tellsConflicts === "never" ? [] : [explained]), ...lost];
  }
  const done = landed(sent, asked, register);
  const revision = newer(done.flight);
  const told: Flight =
    asked.kind === "remove"
      ? answered(done.flight, { type: "removed" })
      : answered({ ...done.flight, current: revision }, { type: "write.acked", revision, late: false });
  return [
    { ...done, label: `${label} is applied`, flight: told },
    {
      ...done,
      label: `${label} is applied, its answer lost`,
      costs: "trouble",
      flight: answered(done.flight, unreachable(true)),
    },
    ...lost,
  ];
}

const WORDS = { nothing: "nothing", current: "what stands there", gone: "what is gone" } as const;

/** A write of the flight at the register, which it matches; the flight hears nothing of it. */
export function landed(flight: Flight, { kind }: Write, register: Register): Omit<Arrival, "label"> {
  const wrong = misuse(register, kind, flight.owns);
  return {
    flight: {
      ...aged(flight),
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

function answered(flight: Flight, answer: DedupKeyEvent): Flight {
  return { ...flight, answer };
}

function unreachable(ambiguous: boolean): DedupKeyEvent {
  return { type: "store.unreachable", ambiguous };
}

/** As the engine judges it: while nothing is dispatched the claim is given up; after that it is trouble like any other. */
function broken({ handler }: Flight, ambiguous: boolean): DedupKeyEvent {
  return handler === "unstarted" ? { type: "store.broken" } : unreachable(ambiguous);
}

/** The flight that is shown what stands there. */
function shown(flight: Flight, { holds }: Register): Flight {
  if (holds === "nothing") return answered(flight, { type: "found.nothing" });
  const current = flight.current === 0 ? newer(flight) : flight.current;
  return answered({ ...flight, current }, found(holds, flight.owns, current));
}

/** The same out of date. What the flight knows to stand there now is newer; all else that it knows is not. */
function shownThePast(flight: Flight, { held }: Register): Flight {
  if (held === "nothing") return answered(flight, { type: "found.nothing" });
  const unknown = flight.current === 0 ? newer(flight) : flight.current - 0.5;
  const past = flight.past === 0 ? unknown : flight.past;
  return answered({ ...flight, past }, found(held, flight.ownedPast, past));
}

function found(holds: Exclude<Holding, "nothing">, isOwn: boolean, revision: number): DedupKeyEvent {
  if (holds === "commit") return { type: isOwn ? "found.own.commit" : "found.commit", revision };
  return isOwn
    ? { type: "found.own.reservation", revision, late: false }
    : { type: "found.reservation", revision, attempt: 1, ended: false };
}
