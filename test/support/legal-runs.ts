import type { DedupKeyContext, DedupKeyEvent, DedupKeyInput, dedupKeyMachine } from "../../machines/dedup-key.ts";
import { type CompiledSnapshot, type CompiledStep, compile } from "../../src/statechart/compiled-logic.ts";

type Question = "claim" | "read" | "renew" | "commit" | "remove";
type Timer = "retry" | "renewal" | "lease";

/** A key's machine, and what the world owes it. */
export interface Life {
  readonly at: CompiledSnapshot<DedupKeyContext>;
  /** What the store was asked last, until it answers. */
  readonly question: Question | undefined;
  readonly timers: ReadonlySet<Timer>;
  readonly handler: "unstarted" | "running" | "returned";
  /** The newest revision of all. */
  readonly newest: number;
  /** The newest revision of ours that was told. */
  readonly mine: number;
  /** Writes of ours that may have been applied without our being told. */
  readonly untold: ReadonlySet<"reservation" | "commit">;
}

/** A step of a life; `by` says who caused it. */
export interface LifeStep {
  readonly event: DedupKeyEvent;
  readonly by: "store" | "timer" | "handler" | "shutdown";
  readonly from: Life;
  readonly to: Life;
  readonly actions: CompiledStep<DedupKeyContext>["actions"];
}

export interface Lives {
  readonly starts: readonly Life[];
  readonly steps: readonly LifeStep[];
}

const QUESTIONS: Readonly<Record<string, Question>> = {
  putReservation: "claim",
  readRecord: "read",
  renewLease: "renew",
  putCommit: "commit",
  removeReservation: "remove",
};

const MOST_STEPS = 200_000;
/** The revision of what another wrote before any of ours. */
const BEFORE_OURS = 1;

/**
 * Everything that can happen to a key in a world that keeps to the rules: the store answers what it was asked last, timers
 * end when they were armed, the handler returns once. Revisions are looked at only for which is newer.
 */
export function legalLives(machine: typeof dedupKeyMachine): Lives {
  const logic = compile(machine);
  const begin = (input: DedupKeyInput): Life => {
    const { snapshot, actions } = logic.begin(input);
    return actions.reduce<Life>(taken, {
      at: snapshot,
      question: undefined,
      timers: new Set(),
      handler: "unstarted",
      newest: BEFORE_OURS,
      mine: 0,
      untold: new Set(),
    });
  };
  const starts = [true, false].map((mayDispatchUnprotected) => begin({ mayDispatchUnprotected, attempt: 1 }));
  const known = new Set(starts.map(abstracted));
  const steps: LifeStep[] = [];
  const frontier = [...starts];
  for (let from = frontier.shift(); from !== undefined; from = frontier.shift()) {
    if (steps.length > MOST_STEPS) throw new RangeError("The machine has lives without end");
    for (const { event, by } of possible(from)) {
      const { snapshot, actions } = logic.step(from.at, event);
      const to = actions.reduce<Life>(taken, { ...happened(from, event, by), at: snapshot });
      steps.push({ event, by, from, to, actions });
      const key = abstracted(to);
      if (!known.has(key) && snapshot.status === "active") frontier.push(to);
      known.add(key);
    }
  }
  return { starts, steps };
}

/** What makes two lives alike; of revisions only whether there are any, and whether the machine knows the newest of ours. */
export function abstracted({ at: { value, context }, question, timers, handler, mine, untold }: Life): string {
  const { claims, revision, newest, inDoubt, unprotected, mayDispatchUnprotected } = context;
  const seen = [claims, revision > 0, newest < mine, inDoubt, unprotected, mayDispatchUnprotected];
  return JSON.stringify([value, seen, question, [...timers].sort(), handler, mine > 0, [...untold].sort()]);
}

interface Happening {
  readonly event: DedupKeyEvent;
  readonly by: LifeStep["by"];
}

function possible(life: Life): Happening[] {
  const said = (by: LifeStep["by"], ...events: DedupKeyEvent[]): Happening[] => events.map((event) => ({ event, by }));
  return [
    ...said("store", ...answers(life)),
    ...(life.timers.has("retry")
      ? said("timer", { type: "retry.due", exhausted: false }, { type: "retry.due", exhausted: true })
      : []),
    ...(life.timers.has("renewal") ? said("timer", { type: "renewal.due" }) : []),
    ...(life.timers.has("lease") ? said("timer", { type: "lease.ended" }) : []),
    ...(life.handler === "running"
      ? [
          ...said("handler", { type: "handler.succeeded" }, { type: "handler.failed" }),
          ...said("shutdown", { type: "shutdown" }),
        ]
      : []),
  ];
}

function answers({ question, newest, mine, untold, handler }: Life): DedupKeyEvent[] {
  const revision = newest + 1;
  const acked: DedupKeyEvent = { type: "write.acked", revision, late: false };
  // Who wrote before us is shown again by a read that is out of date.
  const revisions = mine > 0 ? [revision, BEFORE_OURS] : [revision];
  const anothers: DedupKeyEvent[] = revisions.flatMap((revision) => [
    { type: "found.reservation", revision, attempt: 1, ended: false },
    { type: "found.reservation", revision, attempt: 1, ended: true },
    { type: "found.commit", revision },
  ]);
  const ourNewer: DedupKeyEvent[] = untold.has("reservation")
    ? [
        { type: "found.own.reservation", revision, late: false },
        { type: "found.own.reservation", revision, late: true },
      ]
    : [];
  const ourCommit: DedupKeyEvent[] = untold.has("commit") ? [{ type: "found.own.commit", revision }] : [];
  const conflicted: DedupKeyEvent[] = [{ type: "write.conflicted" }, ...anothers, ...ourNewer, ...ourCommit];
  const broken: DedupKeyEvent[] = handler === "unstarted" ? [{ type: "store.broken" }] : [];
  const unread: DedupKeyEvent = { type: "store.unreachable", ambiguous: false };
  const unwritten: DedupKeyEvent[] = [unread, { type: "store.unreachable", ambiguous: true }, ...broken];
  switch (question) {
    case undefined:
      return [];
    case "claim":
      return [acked, { ...acked, late: true }, ...conflicted, ...unwritten];
    case "renew":
    case "commit":
      return [acked, ...conflicted, ...unwritten];
    case "remove":
      return [{ type: "removed" }, { type: "unremovable" }, ...conflicted, ...unwritten];
    case "read": {
      const ourKnown: DedupKeyEvent[] =
        mine > 0 ? [{ type: "found.own.reservation", revision: mine, late: false }] : [];
      return [{ type: "found.nothing" }, ...anothers, ...ourNewer, ...ourKnown, ...ourCommit, unread, ...broken];
    }
  }
}

/** What an event changes in the world. */
function happened(life: Life, event: DedupKeyEvent, by: LifeStep["by"]): Life {
  const { question, timers, newest, untold } = life;
  if (by === "handler") return { ...life, handler: "returned" };
  if (by === "shutdown") return life;
  if (by === "timer") {
    const ended = event.type === "retry.due" ? "retry" : event.type === "renewal.due" ? "renewal" : "lease";
    return { ...life, timers: without(timers, ended) };
  }
  const answered: Life = { ...life, question: undefined };
  if (event.type === "store.unreachable" && event.ambiguous) return { ...answered, untold: applied(untold, question) };
  if (!("revision" in event)) return answered;
  const seen = { ...answered, newest: Math.max(newest, event.revision) };
  if (event.type === "write.acked") return { ...seen, mine: event.revision };
  return event.type === "found.own.reservation"
    ? { ...seen, mine: event.revision, untold: event.revision > newest ? without(untold, "reservation") : untold }
    : seen;
}

/** What an action changes in the world. A question that is asked before the last was answered hides that answer. */
function taken(life: Life, { type }: { readonly type: string }): Life {
  const asked = QUESTIONS[type];
  if (asked !== undefined) return { ...life, question: asked, untold: applied(life.untold, life.question) };
  switch (type) {
    case "armRetry":
      return { ...life, timers: new Set([...life.timers, "retry"]) };
    case "armDeadline":
      return { ...life, timers: new Set(["renewal", "lease"]) };
    case "armRenewalRetry":
      return { ...life, timers: new Set([...life.timers, "renewal"]) };
    case "startHandler":
      return { ...life, handler: "running" };
    case "abortHandler":
      return { ...life, timers: new Set() };
    case "settle":
      return { ...life, timers: new Set(), question: undefined };
    default:
      throw new TypeError(`The world knows no action \`${type}\``);
  }
}

function applied(untold: Life["untold"], question: Question | undefined): Life["untold"] {
  if (question === "claim" || question === "renew") return new Set([...untold, "reservation"]);
  return question === "commit" ? new Set([...untold, "commit"]) : untold;
}

function without<Value>(all: ReadonlySet<Value>, one: Value): ReadonlySet<Value> {
  return new Set([...all].filter((value) => value !== one));
}
