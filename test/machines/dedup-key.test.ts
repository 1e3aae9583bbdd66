import { describe, expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/index.ts";
import { compile } from "../../src/statechart/compiled-logic.ts";
import { type LegalStep, legalSteps, stateKey } from "../support/legal-steps.ts";

const logic = compile(dedupKeyMachine);

describe("the dedup-key machine in every legal environment", () => {
  const { starts, steps } = legalSteps(dedupKeyMachine);
  const where = ({ at: { value } }: LegalStep["from"]): string => JSON.stringify(value).replaceAll(/[{}"]/g, "");
  const described = ({ from, event, to }: LegalStep): string => `${where(from)} ${event.type} ${where(to)}`;
  const actionsOf = ({ actions }: LegalStep): string[] => actions.map(({ type }) => type);

  it("reaches every state and every transition", () => {
    const places = new Set(steps.map(({ to }) => stateKey(to)));
    console.log(`dedupKey: ${steps.length} legal steps between ${places.size} places`);
    const reached = new Set(
      steps.flatMap(({ from: { at }, event }) =>
        dedupKeyMachine.getTransitionData(
          dedupKeyMachine.resolveState({ value: at.value, context: at.context }),
          event,
        ),
      ),
    );
    const declared = nodesOf(dedupKeyMachine.root).flatMap((node) => [...node.transitions.values()].flat());
    const unreached = declared.filter((transition) => !reached.has(transition));
    expect(unreached.map(({ source, eventType }) => `${source.id} ${eventType}`)).toEqual([]);
    const values = new Set([...starts, ...steps.map(({ to }) => to)].map(({ at }) => at.value));
    expect(logic.table.leaves.map(({ id }) => id)).toHaveLength(values.size);
  });

  it("always has a request, a timer or the handler in progress until the key is settled", () => {
    const idle = steps.filter(
      ({ to }) =>
        to.at.status === "active" && to.request === undefined && to.timers.size === 0 && to.handler !== "running",
    );
    expect(idle.map(described)).toEqual([]);
  });

  it("can reach a final state from every state", () => {
    const endable = new Set<string>();
    for (let before = -1; before < endable.size; ) {
      before = endable.size;
      for (const { from, to } of steps) {
        if (to.at.status === "done" || endable.has(stateKey(to))) endable.add(stateKey(from));
      }
    }
    expect(new Set(steps.filter(({ from }) => !endable.has(stateKey(from))).map(described))).toEqual(new Set());
  });

  it("settles the key exactly once, as its last action", () => {
    const wrong = steps.filter((step) => {
      const settled = actionsOf(step).filter((type) => type === "settle").length;
      return step.to.at.status === "done" ? settled !== 1 || actionsOf(step).at(-1) !== "settle" : settled > 0;
    });
    expect(wrong.map(described)).toEqual([]);
  });

  it("starts the handler at most once, after a stored write of its own or, if allowed, unprotected (G1, G10)", () => {
    const begun = steps.filter((step) => actionsOf(step).includes("startHandler"));
    expect(begun.filter(({ from }) => from.handler !== "unstarted").map(described)).toEqual([]);
    const granted = begun.filter(({ to }) => !to.at.context.unprotected);
    expect(new Set(granted.map(({ event }) => event.type))).toEqual(new Set(["write.acked", "found.own.reservation"]));
    expect(
      granted.filter(({ to: { at } }) => at.context.fence === 0 || at.context.fence !== at.context.revision),
    ).toEqual([]);
    const unprotected = begun.filter(({ to }) => to.at.context.unprotected);
    expect(unprotected.length).toBeGreaterThan(0);
    expect(unprotected.filter(({ to }) => !to.at.context.mayDispatchUnprotected)).toEqual([]);
  });

  it("reports a duplicate only after it found a commit (G2)", () => {
    const reported = steps.filter(({ actions }) => actions.some(({ params }) => isSettledAs(params, "duplicate")));
    expect(new Set(reported.map(({ event }) => event.type))).toEqual(new Set(["found.commit"]));
  });

  it("commits nothing before the handler has succeeded, and removes nothing afterwards (G2, G3)", () => {
    for (const step of steps) {
      const { event, from } = step;
      const hasSucceeded = event.type === "handler.succeeded" || where(from).includes("committing");
      expect(actionsOf(step).includes("putCommit") && !hasSucceeded, described(step)).toBe(false);
      expect(actionsOf(step).includes("removeReservation") && hasSucceeded, described(step)).toBe(false);
    }
  });

  it("aborts a running handler before it releases the key (G6)", () => {
    for (const { event, from, actions } of steps) {
      const types = actions.map(({ type }) => type);
      if (types.includes("removeReservation") && from.handler === "running" && event.type !== "handler.failed") {
        const wasAborted = where(from).startsWith("expired");
        expect(wasAborted || types.indexOf("abortHandler") < types.indexOf("removeReservation")).toBe(true);
      }
    }
  });

  it("ignores only events that no longer matter", () => {
    const ignored = steps.filter(({ from, to, actions }) => from.at === to.at && actions.length === 0);
    expect([...new Set(ignored.map(({ from, event }) => `${where(from)} ${event.type}`))].sort()).toEqual(
      [
        // The handler was aborted earlier.
        ...["running", "removing", "reading"].map((state) => `expired:dispatching:${state} shutdown`),
        // The handler has returned, and the write shows which holder has the key.
        ...["reserved", "expired"].flatMap((side) =>
          ["writing", "reading", "backingOff"].flatMap((state) => [
            `${side}:committing:${state} lease.ended`,
            `${side}:committing:${state} renewal.due`,
          ]),
        ),
        ...["removing", "reading"].flatMap((state) => [
          `reserved:releasing:${state} lease.ended`,
          `reserved:releasing:${state} renewal.due`,
        ]),
        // The last answer about a lease that has since ended.
        "expired:dispatching:running found.commit",
        "expired:dispatching:running found.nothing",
        "expired:dispatching:running found.own.reservation",
        "expired:dispatching:running found.reservation",
        "expired:dispatching:running store.unreachable",
        "expired:dispatching:running write.conflicted",
      ].sort(),
    );
  });

  it("never sends requests in a loop without a pause, even if every second read is stale", () => {
    const onward = new Map<string, LegalStep[]>();
    for (const step of steps.filter(({ by, to }) => by === "store" && to.at.status === "active")) {
      onward.set(stateKey(step.from), [...(onward.get(stateKey(step.from)) ?? []), step]);
    }
    const finished = new Set<string>();
    const loops = new Set<string>();
    const visit = (place: string, path: readonly LegalStep[]): void => {
      const start = path.findIndex(({ from }) => stateKey(from) === place);
      if (start >= 0) for (const step of path.slice(start)) loops.add(described(step));
      if (start >= 0 || finished.has(place)) return;
      for (const step of onward.get(place) ?? []) visit(stateKey(step.to), [...path, step]);
      finished.add(place);
    };
    for (const place of onward.keys()) visit(place, []);
    expect(loops).toEqual(new Set());
  });
});

function isSettledAs(params: unknown, as: string): boolean {
  return typeof params === "object" && params !== null && "as" in params && params.as === as;
}

function nodesOf(node: typeof dedupKeyMachine.root): (typeof dedupKeyMachine.root)[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}
