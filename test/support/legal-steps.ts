import type { DedupKeyContext, DedupKeyEvent, DedupKeyInput } from "../../machines/dedup-key.ts";
import type { dedupKeyMachine } from "../../machines/index.ts";
import { type CompiledSnapshot, type CompiledStep, compile } from "../../src/statechart/compiled-logic.ts";

type Request = "claim" | "read" | "renew" | "commit" | "remove";
type Timer = "retry" | "renewal" | "lease";

/** State of the dedup-key machine and of its environment. */
export interface ModelState {
  readonly at: CompiledSnapshot<DedupKeyContext>;
  /** Last request to the store, until it is answered. */
  readonly request: Request | undefined;
  readonly timers: ReadonlySet<Timer>;
  readonly handler: "unstarted" | "running" | "returned";
  /** Newest revision in the store. */
  readonly newest: number;
  /** Newest revision of the machine's own writes that it has received. */
  readonly own: number;
  /** Own writes that may have been applied without an acknowledgement. */
  readonly unconfirmed: ReadonlySet<"reservation" | "commit">;
}

/** A step of the machine. `by` is the cause of its event. */
export interface LegalStep {
  readonly event: DedupKeyEvent;
  readonly by: "store" | "timer" | "handler" | "shutdown";
  readonly from: ModelState;
  readonly to: ModelState;
  readonly actions: CompiledStep<DedupKeyContext>["actions"];
}

export interface LegalSteps {
  readonly starts: readonly ModelState[];
  readonly steps: readonly LegalStep[];
}

const REQUESTS: Readonly<Record<string, Request>> = {
  putReservation: "claim",
  readRecord: "read",
  renewLease: "renew",
  putCommit: "commit",
  removeReservation: "remove",
};

const MAX_STEPS = 200_000;
/** Revision of another holder's record, written before any of the machine's own. */
const OTHER_REVISION = 1;

/**
 * Returns every step of the machine in an environment that follows the rules. The store answers the last request, only armed
 * timers fire, and the handler returns once. Only the order of revisions matters.
 */
export function legalSteps(machine: typeof dedupKeyMachine): LegalSteps {
  const logic = compile(machine);
  const begin = (input: DedupKeyInput): ModelState => {
    const { snapshot, actions } = logic.begin(input);
    return actions.reduce<ModelState>(afterAction, {
      at: snapshot,
      request: undefined,
      timers: new Set(),
      handler: "unstarted",
      newest: OTHER_REVISION,
      own: 0,
      unconfirmed: new Set(),
    });
  };
  const starts = [true, false].map((mayDispatchUnprotected) => begin({ mayDispatchUnprotected, attempt: 1 }));
  const known = new Set(starts.map(stateKey));
  const steps: LegalStep[] = [];
  const frontier = [...starts];
  for (let from = frontier.shift(); from !== undefined; from = frontier.shift()) {
    if (steps.length > MAX_STEPS) throw new RangeError("The machine has too many steps");
    for (const { event, by } of possibleEvents(from)) {
      const { snapshot, actions } = logic.step(from.at, event);
      const to = actions.reduce<ModelState>(afterAction, { ...afterEvent(from, event, by), at: snapshot });
      steps.push({ event, by, from, to, actions });
      const key = stateKey(to);
      if (!known.has(key) && snapshot.status === "active") frontier.push(to);
      known.add(key);
    }
  }
  return { starts, steps };
}

/** Returns a key that is equal for equivalent states. It replaces revisions by facts about their order. */
export function stateKey({ at: { value, context }, request, timers, handler, own, unconfirmed }: ModelState): string {
  const { claims, revision, newest, inDoubt, unprotected, mayDispatchUnprotected } = context;
  const seen = [claims, revision > 0, newest < own, inDoubt, unprotected, mayDispatchUnprotected];
  return JSON.stringify([value, seen, request, [...timers].sort(), handler, own > 0, [...unconfirmed].sort()]);
}

interface PossibleEvent {
  readonly event: DedupKeyEvent;
  readonly by: LegalStep["by"];
}

function possibleEvents(state: ModelState): PossibleEvent[] {
  const causedBy = (by: LegalStep["by"], ...events: DedupKeyEvent[]): PossibleEvent[] =>
    events.map((event) => ({ event, by }));
  return [
    ...causedBy("store", ...answers(state)),
    ...(state.timers.has("retry")
      ? causedBy("timer", { type: "retry.due", exhausted: false }, { type: "retry.due", exhausted: true })
      : []),
    ...(state.timers.has("renewal") ? causedBy("timer", { type: "renewal.due" }) : []),
    ...(state.timers.has("lease") ? causedBy("timer", { type: "lease.ended" }) : []),
    ...(state.handler === "running"
      ? [
          ...causedBy("handler", { type: "handler.succeeded" }, { type: "handler.failed" }),
          ...causedBy("shutdown", { type: "shutdown" }),
        ]
      : []),
  ];
}

function answers({ at, request, newest, own, unconfirmed, handler }: ModelState): DedupKeyEvent[] {
  const revision = newest + 1;
  const acked: DedupKeyEvent = { type: "write.acked", revision, late: false };
  // A stale read shows the record of an earlier holder again.
  const revisions = own > 0 ? [revision, OTHER_REVISION] : [revision];
  const foreign: DedupKeyEvent[] = revisions.flatMap((revision) => [
    { type: "found.reservation", revision, attempt: 1, ended: false },
    { type: "found.reservation", revision, attempt: 1, ended: true },
    { type: "found.commit", revision },
  ]);
  const ownNewer: DedupKeyEvent[] = unconfirmed.has("reservation")
    ? [
        { type: "found.own.reservation", revision, late: false },
        { type: "found.own.reservation", revision, late: true },
      ]
    : [];
  const ownCommit: DedupKeyEvent[] = unconfirmed.has("commit") ? [{ type: "found.own.commit", revision }] : [];
  const conflicted: DedupKeyEvent[] = [{ type: "write.conflicted" }, ...foreign, ...ownNewer, ...ownCommit];
  const broken: DedupKeyEvent[] = handler === "unstarted" ? [{ type: "store.broken" }] : [];
  const unread: DedupKeyEvent = { type: "store.unreachable", ambiguous: false };
  const unwritten: DedupKeyEvent[] = [unread, { type: "store.unreachable", ambiguous: true }, ...broken];
  switch (request) {
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
      const ownKnown: DedupKeyEvent[] = own > 0 ? [{ type: "found.own.reservation", revision: own, late: false }] : [];
      const isCommitting = JSON.stringify(at.value).includes("committing");
      const cleared: DedupKeyEvent[] = isCommitting ? [{ type: "found.cleared" }] : [];
      return [
        { type: "found.nothing" },
        ...cleared,
        ...foreign,
        ...ownNewer,
        ...ownKnown,
        ...ownCommit,
        unread,
        ...broken,
      ];
    }
  }
}

/** Returns the environment after an event. */
function afterEvent(state: ModelState, event: DedupKeyEvent, by: LegalStep["by"]): ModelState {
  const { request, timers, newest, unconfirmed } = state;
  if (by === "handler") return { ...state, handler: "returned" };
  if (by === "shutdown") return state;
  if (by === "timer") {
    const ended = event.type === "retry.due" ? "retry" : event.type === "renewal.due" ? "renewal" : "lease";
    return { ...state, timers: without(timers, ended) };
  }
  const answered: ModelState = { ...state, request: undefined };
  if (event.type === "store.unreachable" && event.ambiguous)
    return { ...answered, unconfirmed: applied(unconfirmed, request) };
  if (!("revision" in event)) return answered;
  const seen = { ...answered, newest: Math.max(newest, event.revision) };
  if (event.type === "write.acked") return { ...seen, own: event.revision };
  return event.type === "found.own.reservation"
    ? {
        ...seen,
        own: event.revision,
        unconfirmed: event.revision > newest ? without(unconfirmed, "reservation") : unconfirmed,
      }
    : seen;
}

/** Returns the environment after an action. A new request hides the answer to an unanswered one. */
function afterAction(state: ModelState, { type }: { readonly type: string }): ModelState {
  const sent = REQUESTS[type];
  if (sent !== undefined) return { ...state, request: sent, unconfirmed: applied(state.unconfirmed, state.request) };
  switch (type) {
    case "armRetry":
      return { ...state, timers: new Set([...state.timers, "retry"]) };
    case "armDeadline":
      return { ...state, timers: new Set(["renewal", "lease"]) };
    case "armRenewalRetry":
      return { ...state, timers: new Set([...state.timers, "renewal"]) };
    case "startHandler":
      return { ...state, handler: "running" };
    case "abortHandler":
      return { ...state, timers: new Set() };
    case "settle":
      return { ...state, timers: new Set(), request: undefined };
    default:
      throw new TypeError(`The model has no action \`${type}\``);
  }
}

function applied(unconfirmed: ModelState["unconfirmed"], request: Request | undefined): ModelState["unconfirmed"] {
  if (request === "claim" || request === "renew") return new Set([...unconfirmed, "reservation"]);
  return request === "commit" ? new Set([...unconfirmed, "commit"]) : unconfirmed;
}

function without<Value>(all: ReadonlySet<Value>, one: Value): ReadonlySet<Value> {
  return new Set([...all].filter((value) => value !== one));
}
