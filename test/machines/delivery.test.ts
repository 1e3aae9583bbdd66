import { describe, expect, it } from "vitest";
import {
  type DeadLetterReason,
  type DeliveryContext,
  type DeliveryEvent,
  type DeliveryInput,
  deliveryMachine,
} from "../../machines/delivery.ts";
import { type CompiledSnapshot, compile } from "../../src/statechart/compiled-logic.ts";

type Place =
  | "received"
  | "identified"
  | "guarded"
  | "held"
  | "acknowledging"
  | "publishing"
  | "pausing"
  | "acknowledged"
  | "putBack"
  | "deadLettered";

interface Given {
  readonly isLast?: boolean;
  readonly lettingGo?: boolean;
  readonly deadBecause?: DeadLetterReason;
}

const MAX_DELIVER = 3;
const failed = (permanent: boolean, failures = 1): DeliveryEvent => ({ type: "dispatch.failed", permanent, failures });

/** One line a transition: where, what happens there, under which circumstances, where it leads, what is done. */
const LIFE: ReadonlyArray<
  readonly [from: Place, happens: DeliveryEvent | DeliveryEvent["type"], given: Given, to: Place, actions: string]
> = [
  ["received", "turn.came", {}, "received", "identify"],
  ["received", "identified", {}, "identified", "guard"],
  ["received", "unidentifiable", {}, "publishing", "blameIdentity publishDeadLetter"],
  ["received", "draining", {}, "putBack", "putBack(nothing)"],
  ["received", "draining", { isLast: true }, "received", ""],
  ["received", "let.go", {}, "putBack", "putBack(nothing)"],
  ["received", "let.go", { isLast: true }, "publishing", "noteLettingGo blameLastDelivery publishDeadLetter"],

  ["identified", "dispatch.began", {}, "guarded", ""],
  ["identified", "duplicate", {}, "acknowledged", "acknowledgeDuplicate"],
  ["identified", "pending", {}, "putBack", "putBack(pending)"],
  ["identified", "pending", { isLast: true }, "held", "armRetry"],
  ["identified", "pending", { isLast: true, lettingGo: true }, "publishing", "blameLastDelivery publishDeadLetter"],
  ["identified", "refused", {}, "putBack", "putBack(backoff)"],
  ["identified", "refused", { isLast: true }, "held", "armRetry"],
  ["identified", "refused", { isLast: true, lettingGo: true }, "publishing", "blameLastDelivery publishDeadLetter"],
  ["identified", "refused", { lettingGo: true }, "putBack", "putBack(nothing)"],
  ["identified", "fingerprint.mismatched", {}, "publishing", "blameFingerprint publishDeadLetter"],
  ["identified", "let.go", {}, "identified", "noteLettingGo abort"],
  ["identified", "abandoned", { lettingGo: true }, "putBack", "putBack(nothing)"],
  ["identified", "abandoned", { lettingGo: true, isLast: true }, "publishing", "blameLastDelivery publishDeadLetter"],

  ["guarded", "dispatched", {}, "acknowledging", "acknowledge"],
  ["guarded", failed(true), {}, "publishing", "blamePermanentError publishDeadLetter"],
  ["guarded", failed(true), { lettingGo: true, isLast: true }, "publishing", "blamePermanentError publishDeadLetter"],
  ["guarded", failed(false), {}, "putBack", "putBack(backoff)"],
  ["guarded", failed(false, MAX_DELIVER - 1), {}, "putBack", "putBack(backoff)"],
  ["guarded", failed(false, MAX_DELIVER), {}, "publishing", "blameMaxDeliver publishDeadLetter"],
  ["guarded", failed(false), { isLast: true }, "publishing", "blameMaxDeliver publishDeadLetter"],
  ["guarded", failed(false, MAX_DELIVER), { lettingGo: true }, "putBack", "putBack(nothing)"],
  ["guarded", failed(false), { lettingGo: true, isLast: true }, "publishing", "blameLastDelivery publishDeadLetter"],
  ["guarded", "let.go", {}, "guarded", "noteLettingGo abort"],
  ["guarded", "abandoned", { lettingGo: true }, "putBack", "putBack(nothing)"],
  ["guarded", "abandoned", { lettingGo: true, isLast: true }, "publishing", "blameLastDelivery publishDeadLetter"],

  ["held", "retry.due", { isLast: true }, "identified", "guard"],
  ["held", "let.go", { isLast: true }, "publishing", "noteLettingGo blameLastDelivery publishDeadLetter"],

  ["acknowledging", "ack.confirmed", {}, "acknowledged", ""],
  ["acknowledging", "ack.unconfirmed", {}, "acknowledged", ""],
  ["acknowledging", "let.go", {}, "acknowledging", "noteLettingGo"],

  ["publishing", "dead.letter.stored", { deadBecause: "max-deliver" }, "deadLettered", "terminate"],
  ["publishing", "dead.letter.unwanted", { deadBecause: "max-deliver" }, "deadLettered", "terminate"],
  ["publishing", "dead.letter.unwanted", { deadBecause: "last-delivery" }, "putBack", "putBack(nothing)"],
  ["publishing", "dead.letter.failed", {}, "putBack", "putBack(backoff)"],
  ["publishing", "dead.letter.failed", { isLast: true }, "pausing", "armRetry"],
  ["publishing", "dead.letter.failed", { isLast: true, lettingGo: true }, "putBack", "putBack(backoff)"],
  ["pausing", "retry.due", { isLast: true }, "publishing", "publishDeadLetter"],
  ["pausing", "let.go", { isLast: true }, "publishing", "noteLettingGo publishDeadLetter"],
];

/** What the actions that change the context leave in it. */
const NOTED: Readonly<Record<string, Partial<DeliveryContext>>> = {
  noteLettingGo: { lettingGo: true },
  blameIdentity: { deadBecause: "unidentifiable" },
  blamePermanentError: { deadBecause: "permanent-error" },
  blameMaxDeliver: { deadBecause: "max-deliver" },
  blameFingerprint: { deadBecause: "fingerprint-mismatch" },
  blameLastDelivery: { deadBecause: "last-delivery" },
};

const logic = compile(deliveryMachine);
const { table } = logic;
type At = CompiledSnapshot<DeliveryContext>;

const leafOf = (place: Place): string =>
  place === "publishing" || place === "pausing" ? `delivery.deadLettering.${place}` : `delivery.${place}`;

function at(place: Place, given: Given): At {
  const leaf = table.leaves.find(({ id }) => id === leafOf(place));
  if (leaf === undefined) throw new Error(`There is no ${place}`);
  const context: DeliveryContext = {
    maxDeliver: MAX_DELIVER,
    isLast: given.isLast ?? false,
    lettingGo: given.lettingGo ?? false,
    deadBecause: given.deadBecause,
  };
  return { status: "active", output: undefined, error: undefined, value: leaf.value, context };
}

function placeOf({ value }: At): string | undefined {
  return table.leaves.find((leaf) => leaf.value === value)?.id;
}

const written = ({ type, params }: { readonly type: string; readonly params: unknown }): string =>
  typeof params === "object" && params !== null && "after" in params ? `${type}(${params.after})` : type;

const eventOf = (event: DeliveryEvent | DeliveryEvent["type"]): DeliveryEvent =>
  typeof event === "object" ? event : event === "dispatch.failed" ? failed(false) : { type: event };

const EVENTS: readonly DeliveryEvent[] = [
  ...[...new Set(table.transitions.map(({ event }) => event))].filter((type) => type !== "dispatch.failed").map(known),
  failed(true),
  failed(false),
  failed(false, MAX_DELIVER),
];

function known(type: string): DeliveryEvent {
  const row = LIFE.find(([, event]) => eventOf(event).type === type);
  if (row === undefined) throw new Error(`No line is about ${type}`);
  return eventOf(row[1]);
}

interface Step {
  readonly from: At;
  readonly event: DeliveryEvent;
  readonly to: At;
  readonly actions: readonly string[];
  /** Everything that happened and was done before. */
  readonly before: readonly string[];
}

/** Every step that can be taken, each place once for each history that the claims below look at. */
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
      open.push({ at: snapshot, before: [...before, event.type, ...step.actions] });
    }
  }
  return steps;
}

describe("the life of a delivered message", () => {
  it.each(LIFE)("%s, %j, %j: %s, %s", (from, happens, given, to, actions) => {
    const step = logic.step(at(from, given), eventOf(happens));
    const names = actions.split(" ").filter((name) => name !== "");
    expect(placeOf(step.snapshot)).toBe(leafOf(to));
    expect(step.actions.map(written)).toEqual(names.filter((name) => !(name in NOTED)));
    expect(step.snapshot.context).toEqual({
      ...at(from, given).context,
      ...Object.assign({}, ...names.map((name) => NOTED[name] ?? {})),
    });
    expect(step.snapshot.status).toBe(FINAL.has(to) ? "done" : "active");
  });

  it("has a line above for every transition", () => {
    const taken = LIFE.map(([from, happens, , to, actions]) => {
      const leaf = table.leaves.find(({ id }) => id === leafOf(from));
      const choices = leaf?.on.get(eventOf(happens).type) ?? [];
      return choices.find(
        (choice) => (choice.leaf ?? leafOf(from)) === leafOf(to) && choice.actions.map(written).join(" ") === actions,
      );
    });
    expect(new Set(taken)).toEqual(new Set(table.transitions));
  });
});

const FINAL: ReadonlySet<string> = new Set(["acknowledged", "putBack", "deadLettered"]);

describe("whatever happens, in any order", () => {
  const steps = everyStep();

  it("G2 acknowledges nothing but what was dispatched, or was a duplicate", () => {
    const acknowledging = steps.filter(({ actions }) => actions.some((action) => action.startsWith("acknowledge")));
    expect(acknowledging.length).toBeGreaterThan(0);
    for (const { actions, event } of acknowledging) {
      expect(event.type).toBe(actions.includes("acknowledge") ? "dispatched" : "duplicate");
    }
  });

  it("G2 terminates nothing but a dead letter that was stored, or that nobody wants and that had its chance", () => {
    const terminating = steps.filter(({ actions }) => actions.includes("terminate"));
    expect(terminating.length).toBeGreaterThan(0);
    for (const { event, from } of terminating) {
      expect(["dead.letter.stored", "dead.letter.unwanted"]).toContain(event.type);
      if (event.type === "dead.letter.unwanted") expect(from.context.deadBecause).not.toBe("last-delivery");
    }
  });

  it("never puts back what the server would drop, unless time is over and there is nowhere to keep it", () => {
    const dropping = steps.filter(
      ({ to, actions }) => to.context.isLast && actions.some((a) => a.startsWith("putBack")),
    );
    expect(dropping.length).toBeGreaterThan(0);
    for (const { event, from, before } of dropping) {
      expect(["dead.letter.failed", "dead.letter.unwanted"]).toContain(event.type);
      expect(from.context.lettingGo || before.includes("abandoned")).toBe(true);
    }
  });

  it("dispatches nothing without an identity, and nothing again once it was dispatched", () => {
    for (const { actions, before } of steps.filter((step) => step.actions.includes("guard"))) {
      expect(actions).toEqual(["guard"]);
      expect(before).not.toContain("unidentifiable");
      expect(before).not.toContain("dispatched");
    }
  });

  it("gives exactly one last answer, with which it ends", () => {
    const last = new Set([
      "acknowledgeDuplicate",
      "terminate",
      "putBack(nothing)",
      "putBack(pending)",
      "putBack(backoff)",
    ]);
    for (const { actions, to, before } of steps) {
      const answers = actions.filter((action) => last.has(action)).length;
      const acknowledgedBefore = before.includes("acknowledge") ? 1 : 0;
      expect(answers + acknowledgedBefore).toBe(to.status === "done" || before.includes("acknowledge") ? 1 : 0);
    }
  });

  it("can always come to an end", () => {
    const ends = new Set(steps.filter(({ to }) => to.status === "done").map(({ from }) => keyOf(from)));
    for (let size = -1; size !== ends.size; ) {
      size = ends.size;
      for (const { from, to } of steps) if (ends.has(keyOf(to))) ends.add(keyOf(from));
    }
    for (const { from } of steps) expect(ends).toContain(keyOf(from));
  });
});

function keyOf({ value, context }: At): string {
  return JSON.stringify([value, context]);
}
