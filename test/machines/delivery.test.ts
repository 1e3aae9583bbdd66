import { describe, expect, it } from "vitest";
import {
  type DeadLetterReason,
  type DeliveryContext,
  type DeliveryEvent,
  type DeliveryInput,
  LETTER_ATTEMPTS,
  type LetterContent,
} from "../../machines/delivery.ts";
import { deliveryMachine } from "../../machines/index.ts";
import { type CompiledSnapshot, compile } from "../../src/statechart/compiled-logic.ts";

/** Events without further members, by their name. */
type Happening = DeliveryEvent | Exclude<DeliveryEvent["type"], "limit.changed">;

type Place =
  | "received"
  | "identified"
  | "guarded"
  | "held"
  | "scheduling"
  | "acknowledging"
  | "publishing"
  | "backingOff"
  | "acknowledged"
  | "nakked"
  | "deadLettered"
  | "ignored";

interface Given {
  readonly isLast?: boolean;
  readonly isStopping?: boolean;
  readonly deadLetterReason?: DeadLetterReason;
  readonly letter?: LetterContent;
  readonly letterFailures?: number;
}

const MAX_DELIVER = 3;
const failed = (permanent: boolean, failures = 1, distant = false): DeliveryEvent => ({
  type: "dispatch.failed",
  permanent,
  failures,
  distant,
});

const limited = (isLast: boolean): DeliveryEvent => ({ type: "limit.changed", isLast });

const OUT_OF_ATTEMPTS: Given = { letterFailures: LETTER_ATTEMPTS - 1 };
const BODILESS: Given = { letter: "without-body" };

/** One row per transition: state, event, context before it, next state, actions. */
const TRANSITIONS: ReadonlyArray<readonly [from: Place, happens: Happening, given: Given, to: Place, actions: string]> =
  [
    ["received", "slot.acquired", {}, "received", "identify"],
    ["received", "identified", {}, "identified", "guard"],
    [
      "received",
      "unidentifiable",
      {},
      "publishing",
      "setDeadLetterReason(unidentifiable) stopDispatching publishDeadLetter",
    ],
    ["received", "draining", {}, "nakked", "nak(none)"],
    ["received", "draining", { isLast: true }, "received", ""],
    ["received", "force.stop", {}, "nakked", "nak(none)"],
    [
      "received",
      "force.stop",
      { isLast: true },
      "publishing",
      "markStopping setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],
    ["received", "terminated.before", {}, "deadLettered", "terminateAgain"],
    ["received", "answered.elsewhere", {}, "ignored", ""],

    ["identified", "dispatch.began", {}, "guarded", "markDispatched"],
    ["identified", "duplicate", {}, "acknowledged", "acknowledgeDuplicate"],
    ["identified", "pending", {}, "nakked", "nak(pending)"],
    ["identified", "pending", { isLast: true }, "held", "armRetry(guard)"],
    [
      "identified",
      "pending",
      { isLast: true, isStopping: true },
      "publishing",
      "setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],
    ["identified", "refused", {}, "nakked", "nak(backoff)"],
    ["identified", "refused", { isLast: true }, "held", "armRetry(guard)"],
    [
      "identified",
      "refused",
      { isLast: true, isStopping: true },
      "publishing",
      "setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],
    ["identified", "refused", { isStopping: true }, "nakked", "nak(none)"],
    [
      "identified",
      "failure.remembered",
      {},
      "publishing",
      "setDeadLetterReason(permanent-error) stopDispatching publishDeadLetter",
    ],
    [
      "identified",
      "fingerprint.mismatched",
      {},
      "publishing",
      "setDeadLetterReason(fingerprint-mismatch) stopDispatching publishDeadLetter",
    ],
    [
      "identified",
      "identity.too.long",
      {},
      "publishing",
      "setDeadLetterReason(identity-too-long) stopDispatching publishDeadLetter",
    ],
    ["identified", "force.stop", {}, "identified", "markStopping abort"],
    ["identified", "grace.ended", { isStopping: true }, "nakked", "nak(none)"],
    [
      "identified",
      "grace.ended",
      { isStopping: true, isLast: true },
      "publishing",
      "setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],

    ["guarded", "dispatched", {}, "acknowledging", "acknowledge"],
    [
      "guarded",
      failed(true),
      {},
      "publishing",
      "setDeadLetterReason(permanent-error) stopDispatching publishDeadLetter",
    ],
    [
      "guarded",
      failed(true),
      { isStopping: true, isLast: true },
      "publishing",
      "setDeadLetterReason(permanent-error) stopDispatching publishDeadLetter",
    ],
    ["guarded", failed(false), {}, "nakked", "nak(backoff)"],
    ["guarded", failed(false, MAX_DELIVER - 1), {}, "nakked", "nak(backoff)"],
    [
      "guarded",
      failed(false, MAX_DELIVER),
      {},
      "publishing",
      "setDeadLetterReason(max-deliver) stopDispatching publishDeadLetter",
    ],
    [
      "guarded",
      failed(false),
      { isLast: true },
      "publishing",
      "setDeadLetterReason(max-deliver) stopDispatching publishDeadLetter",
    ],
    ["guarded", failed(false, MAX_DELIVER), { isStopping: true }, "nakked", "nak(none)"],
    ["guarded", failed(false, 1, true), {}, "scheduling", "scheduleRetry"],
    ["guarded", failed(false, 1, true), { isStopping: true }, "nakked", "nak(none)"],
    [
      "guarded",
      failed(false, MAX_DELIVER, true),
      {},
      "publishing",
      "setDeadLetterReason(max-deliver) stopDispatching publishDeadLetter",
    ],
    [
      "guarded",
      failed(false),
      { isStopping: true, isLast: true },
      "publishing",
      "setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],
    ["guarded", "force.stop", {}, "guarded", "markStopping abort"],
    ["guarded", "grace.ended", { isStopping: true }, "nakked", "nak(none)"],
    [
      "guarded",
      "grace.ended",
      { isStopping: true, isLast: true },
      "publishing",
      "setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],

    ["held", "retry.due", { isLast: true }, "identified", "guard"],
    [
      "held",
      "force.stop",
      { isLast: true },
      "publishing",
      "markStopping setDeadLetterReason(last-delivery) stopDispatching publishDeadLetter",
    ],

    ["received", limited(true), {}, "received", "setIsLast"],
    ["guarded", limited(true), {}, "guarded", "setIsLast"],
    ["guarded", limited(false), { isLast: true }, "guarded", "setIsLast"],

    ["scheduling", "retry.scheduled", {}, "acknowledging", "acknowledge"],
    ["scheduling", "schedule.failed", {}, "nakked", "nak(backoff)"],
    [
      "scheduling",
      "schedule.failed",
      { isLast: true },
      "publishing",
      "setDeadLetterReason(max-deliver) stopDispatching publishDeadLetter",
    ],
    ["scheduling", "force.stop", {}, "scheduling", "markStopping"],

    ["acknowledging", "ack.confirmed", {}, "acknowledged", ""],
    ["acknowledging", "ack.unconfirmed", {}, "acknowledged", ""],
    ["acknowledging", "force.stop", {}, "acknowledging", "markStopping"],

    ["publishing", "dead.letter.stored", { deadLetterReason: "max-deliver" }, "deadLettered", "terminate(stored)"],
    ["publishing", "dead.letter.disabled", { deadLetterReason: "max-deliver" }, "deadLettered", "terminate(disabled)"],
    ["publishing", "dead.letter.disabled", { deadLetterReason: "last-delivery" }, "nakked", "nak(none)"],
    ["publishing", "dead.letter.failed", {}, "backingOff", "countLetterFailure armRetry(dead-letter)"],
    [
      "publishing",
      "dead.letter.failed",
      { letterFailures: LETTER_ATTEMPTS - 2 },
      "backingOff",
      "countLetterFailure armRetry(dead-letter)",
    ],
    ["publishing", "dead.letter.failed", OUT_OF_ATTEMPTS, "publishing", "omitBody publishDeadLetter"],
    ["publishing", "dead.letter.failed", { ...OUT_OF_ATTEMPTS, ...BODILESS }, "deadLettered", "terminate(lost)"],
    ["publishing", "dead.letter.failed", { isStopping: true }, "nakked", "nak(none)"],
    ["publishing", "dead.letter.failed", { isStopping: true, isLast: true }, "nakked", "nak(none)"],
    ["publishing", "dead.letter.too.large", {}, "publishing", "omitBody publishDeadLetter"],
    ["publishing", "dead.letter.too.large", BODILESS, "deadLettered", "terminate(lost)"],
    ["publishing", "force.stop", {}, "publishing", "markStopping"],
    ["backingOff", "retry.due", { letterFailures: 1 }, "publishing", "publishDeadLetter"],
    ["backingOff", "force.stop", { letterFailures: 1 }, "publishing", "markStopping publishDeadLetter"],
  ];

/** Context that each updating action sets. */
const updatesOf = (
  event: DeliveryEvent,
  { letterFailures = 0 }: Given,
): Readonly<Record<string, Partial<DeliveryContext>>> => ({
  markStopping: { isStopping: true },
  markDispatched: { wasDispatched: true },
  setIsLast: event.type === "limit.changed" ? { isLast: event.isLast } : {},
  omitBody: { letter: "without-body" },
  countLetterFailure: { letterFailures: letterFailures + 1 },
  "setDeadLetterReason(unidentifiable)": { deadLetterReason: "unidentifiable" },
  "setDeadLetterReason(permanent-error)": { deadLetterReason: "permanent-error" },
  "setDeadLetterReason(max-deliver)": { deadLetterReason: "max-deliver" },
  "setDeadLetterReason(fingerprint-mismatch)": { deadLetterReason: "fingerprint-mismatch" },
  "setDeadLetterReason(identity-too-long)": { deadLetterReason: "identity-too-long" },
  "setDeadLetterReason(last-delivery)": { deadLetterReason: "last-delivery" },
});

const logic = compile(deliveryMachine);
const { table } = logic;
type At = CompiledSnapshot<DeliveryContext>;

const leafOf = (place: Place): string =>
  place === "publishing" || place === "backingOff" ? `delivery.deadLettering.${place}` : `delivery.${place}`;

function at(place: Place, given: Given): At {
  const leaf = table.leaves.find(({ id }) => id === leafOf(place));
  if (leaf === undefined) throw new Error(`There is no state ${place}`);
  const context: DeliveryContext = {
    maxDeliver: MAX_DELIVER,
    isLast: given.isLast ?? false,
    isStopping: given.isStopping ?? false,
    wasDispatched: false,
    deadLetterReason: given.deadLetterReason,
    letter: given.letter ?? "whole",
    letterFailures: given.letterFailures ?? 0,
  };
  return { status: "active", output: undefined, error: undefined, value: leaf.value, context };
}

function placeOf({ value }: At): string | undefined {
  return table.leaves.find((leaf) => leaf.value === value)?.id;
}

const written = ({ type, params }: { readonly type: string; readonly params: unknown }): string =>
  typeof params === "object" && params !== null ? `${type}(${Object.values(params).join(", ")})` : type;

const eventOf = (event: Happening): DeliveryEvent =>
  typeof event === "object" ? event : event === "dispatch.failed" ? failed(false) : { type: event };

const EVENTS: readonly DeliveryEvent[] = [
  ...[...new Set(table.transitions.map(({ event }) => event))].filter((type) => type !== "dispatch.failed").map(known),
  failed(true),
  failed(false),
  failed(false, MAX_DELIVER),
  failed(false, 1, true),
  limited(false),
];

function known(type: string): DeliveryEvent {
  const row = TRANSITIONS.find(([, event]) => eventOf(event).type === type);
  if (row === undefined) throw new Error(`No row has the event ${type}`);
  return eventOf(row[1]);
}

interface Step {
  readonly from: At;
  readonly event: DeliveryEvent;
  readonly to: At;
  readonly actions: readonly string[];
  /** Events and actions of the path to `from`. */
  readonly before: readonly string[];
}

/** Skips the attempts at a letter between the second and the last but one, which do not differ. */
function withFewAttempts(snapshot: At): At {
  const { context } = snapshot;
  return context.letterFailures === 2
    ? { ...snapshot, context: { ...context, letterFailures: LETTER_ATTEMPTS - 2 } }
    : snapshot;
}

/** Returns every reachable step. A state is visited once for each set of events and actions that led to it. */
function everyStep(): readonly Step[] {
  const inputs: DeliveryInput[] = [true, false].map((isLast) => ({ maxDeliver: MAX_DELIVER, isLast }));
  const steps: Step[] = [];
  const seen = new Set<string>();
  const open: { readonly at: At; readonly before: readonly string[] }[] = inputs.map((input) => ({
    at: logic.begin(input).snapshot,
    before: [],
  }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { at: from, before } = next;
    const key = JSON.stringify([from.value, from.context, [...new Set(before)].sort()]);
    if (seen.has(key) || from.status !== "active") continue;
    seen.add(key);
    for (const event of EVENTS) {
      const { snapshot, actions } = logic.step(from, event);
      if (snapshot === from && actions.length === 0) continue;
      const step = { from, event, to: snapshot, actions: actions.map(written), before };
      steps.push(step);
      open.push({ at: withFewAttempts(snapshot), before: [...before, event.type, ...step.actions] });
    }
  }
  return steps;
}

describe("delivery machine", () => {
  it.each(TRANSITIONS)("goes from %s at %j with %j to %s and does [%s]", (from, happens, given, to, actions) => {
    const step = logic.step(at(from, given), eventOf(happens));
    const names = actions.split(" ").filter((name) => name !== "");
    const updates = updatesOf(eventOf(happens), given);
    expect(placeOf(step.snapshot)).toBe(leafOf(to));
    expect(step.actions.map(written)).toEqual(names.filter((name) => !(name in updates)));
    expect(step.snapshot.context).toEqual({
      ...at(from, given).context,
      ...Object.assign({}, ...names.map((name) => updates[name] ?? {})),
    });
    expect(step.snapshot.status).toBe(FINAL.has(to) ? "done" : "active");
  });

  it("has a row in the table of this test for every transition", () => {
    const taken = TRANSITIONS.map(([from, happens, , to, actions]) => {
      const leaf = table.leaves.find(({ id }) => id === leafOf(from));
      const choices = leaf?.on.get(eventOf(happens).type) ?? [];
      return choices.find(
        (choice) => (choice.leaf ?? leafOf(from)) === leafOf(to) && choice.actions.map(written).join(" ") === actions,
      );
    });
    expect(new Set(taken)).toEqual(new Set(table.transitions));
  });
});

const FINAL: ReadonlySet<string> = new Set(["acknowledged", "nakked", "deadLettered", "ignored"]);

describe("delivery machine under any sequence of events", () => {
  const steps = everyStep();

  it("G2 acknowledges only dispatched events, duplicates, and messages whose retry is stored", () => {
    const acknowledging = steps.filter(({ actions }) => actions.some((action) => action.startsWith("acknowledge")));
    expect(acknowledging.length).toBeGreaterThan(0);
    for (const { actions, event } of acknowledging) {
      const allowed = actions.includes("acknowledge") ? ["dispatched", "retry.scheduled"] : ["duplicate"];
      expect(allowed).toContain(event.type);
    }
  });

  it("G2 terminates only messages whose dead letter is stored, is not wanted, or failed with and without a body", () => {
    const terminating = steps.filter(({ actions }) => actions.some((action) => action.startsWith("terminate(")));
    expect(new Set(terminating.flatMap(({ actions }) => actions))).toEqual(
      new Set(["terminate(stored)", "terminate(disabled)", "terminate(lost)"]),
    );
    for (const { actions, event, from } of terminating) {
      if (actions.includes("terminate(stored)")) expect(event.type).toBe("dead.letter.stored");
      if (actions.includes("terminate(disabled)")) {
        expect(event.type).toBe("dead.letter.disabled");
        expect(from.context.deadLetterReason).not.toBe("last-delivery");
      }
      if (actions.includes("terminate(lost)")) expect(from.context.letter).toBe("without-body");
    }
  });

  it("never naks the last delivery, unless the consumer must stop and the dead letter cannot be stored", () => {
    const dropping = steps.filter(({ to, actions }) => to.context.isLast && actions.some((a) => a.startsWith("nak(")));
    expect(dropping.length).toBeGreaterThan(0);
    for (const { event, from, before } of dropping) {
      expect(["dead.letter.failed", "dead.letter.disabled"]).toContain(event.type);
      expect(from.context.isStopping || before.includes("grace.ended")).toBe(true);
    }
  });

  it("retries only the letter after a message became a dead letter, and naks it only to stop", () => {
    const after = steps.filter(({ from }) => from.context.deadLetterReason !== undefined);
    expect(after.length).toBeGreaterThan(0);
    for (const { actions, from, event } of after) {
      expect(actions).not.toContain("guard");
      if (actions.some((action) => action.startsWith("nak("))) {
        expect(from.context.isStopping || event.type === "dead.letter.disabled").toBe(true);
      }
    }
  });

  it("dispatches nothing without an identity, and nothing twice", () => {
    for (const { actions, before } of steps.filter((step) => step.actions.includes("guard"))) {
      expect(actions).toEqual(["guard"]);
      expect(before).not.toContain("unidentifiable");
      expect(before).not.toContain("dispatched");
    }
  });

  it("ends with exactly one final answer, unless an earlier delivery answers", () => {
    const last = /^(acknowledgeDuplicate|terminate.*|nak.*)$/;
    for (const { actions, to, before } of steps) {
      const answers = actions.filter((action) => last.test(action)).length;
      const acknowledgedBefore = before.includes("acknowledge") ? 1 : 0;
      const mustAnswer = to.status === "done" && placeOf(to) !== leafOf("ignored");
      expect(answers + acknowledgedBefore).toBe(mustAnswer || before.includes("acknowledge") ? 1 : 0);
    }
  });

  it("can always reach a final state", () => {
    const edges = steps.map(({ from, to }) => ({ from: keyOf(from), to: keyOf(to), ends: to.status === "done" }));
    const ending = new Set(edges.filter(({ ends }) => ends).map(({ from }) => from));
    for (let size = -1; size !== ending.size; ) {
      size = ending.size;
      for (const { from, to } of edges) if (ending.has(to)) ending.add(from);
    }
    for (const { from } of edges) expect(ending).toContain(from);
  });
});

function keyOf({ value, context }: At): string {
  return JSON.stringify([value, context]);
}
