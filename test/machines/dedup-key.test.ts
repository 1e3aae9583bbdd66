import { describe, expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/dedup-key.ts";
import { compile } from "../../src/statechart/compiled-logic.ts";
import { abstracted, type LifeStep, legalLives } from "../support/legal-runs.ts";

const logic = compile(dedupKeyMachine);

describe("whatever a world that keeps to the rules does", () => {
  const { starts, steps } = legalLives(dedupKeyMachine);
  const where = ({ at: { value } }: LifeStep["from"]): string => JSON.stringify(value).replaceAll(/[{}"]/g, "");
  const described = ({ from, event, to }: LifeStep): string => `${where(from)} ${event.type} ${where(to)}`;
  const actionsOf = ({ actions }: LifeStep): string[] => actions.map(({ type }) => type);

  it("every state and every transition of the machine is reached", () => {
    const places = new Set(steps.map(({ to }) => abstracted(to)));
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

  it("something is under way until the key is settled: a question, a timer, or the handler", () => {
    const idle = steps.filter(
      ({ to }) =>
        to.at.status === "active" && to.question === undefined && to.timers.size === 0 && to.handler !== "running",
    );
    expect(idle.map(described)).toEqual([]);
  });

  it("the end can be reached from everywhere", () => {
    const endable = new Set<string>();
    for (let before = -1; before < endable.size; ) {
      before = endable.size;
      for (const { from, to } of steps) {
        if (to.at.status === "done" || endable.has(abstracted(to))) endable.add(abstracted(from));
      }
    }
    expect(new Set(steps.filter(({ from }) => !endable.has(abstracted(from))).map(described))).toEqual(new Set());
  });

  it("the key is settled once, as the last thing that is done", () => {
    const wrong = steps.filter((step) => {
      const settled = actionsOf(step).filter((type) => type === "settle").length;
      return step.to.at.status === "done" ? settled !== 1 || actionsOf(step).at(-1) !== "settle" : settled > 0;
    });
    expect(wrong.map(described)).toEqual([]);
  });

  it("the handler is started at most once, by a write of ours that stands, or unprotected where that is allowed (G1, G10)", () => {
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

  it("duplicate is said only of a commit that was found (G2)", () => {
    const said = steps.filter(({ actions }) => actions.some(({ params }) => isSettledAs(params, "duplicate")));
    expect(new Set(said.map(({ event }) => event.type))).toEqual(new Set(["found.commit"]));
  });

  it("nothing is committed before the handler has succeeded, nor removed once it has (G2, G3)", () => {
    for (const step of steps) {
      const { event, from } = step;
      const hasSucceeded = event.type === "handler.succeeded" || where(from).includes("committing");
      expect(actionsOf(step).includes("putCommit") && !hasSucceeded, described(step)).toBe(false);
      expect(actionsOf(step).includes("removeReservation") && hasSucceeded, described(step)).toBe(false);
    }
  });

  it("the handler is told to stop before the key is given back while it runs (G6)", () => {
    for (const { event, from, actions } of steps) {
      const types = actions.map(({ type }) => type);
      if (types.includes("removeReservation") && from.handler === "running" && event.type !== "handler.failed") {
        const wasTold = where(from).startsWith("expired");
        expect(wasTold || types.indexOf("abortHandler") < types.indexOf("removeReservation")).toBe(true);
      }
    }
  });

  it("nothing that happens is passed over, but for what no longer matters", () => {
    const ignored = steps.filter(({ from, to, actions }) => from.at === to.at && actions.length === 0);
    expect([...new Set(ignored.map(({ from, event }) => `${where(from)} ${event.type}`))].sort()).toEqual(
      [
        // The handler was told to stop before.
        ...["running", "removing", "reading"].map((state) => `expired:dispatching:${state} shutdown`),
        // The handler has returned, and whoever has the key is found out by the write.
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
        // The last answer about a lease that has ended meanwhile.
        "expired:dispatching:running found.commit",
        "expired:dispatching:running found.nothing",
        "expired:dispatching:running found.own.reservation",
        "expired:dispatching:running found.reservation",
        "expired:dispatching:running store.unreachable",
        "expired:dispatching:running write.conflicted",
      ].sort(),
    );
  });

  it("the store is never asked again and again without a pause, not even when its reads are out of date by turns", () => {
    const onward = new Map<string, LifeStep[]>();
    for (const step of steps.filter(({ by, to }) => by === "store" && to.at.status === "active")) {
      onward.set(abstracted(step.from), [...(onward.get(abstracted(step.from)) ?? []), step]);
    }
    const finished = new Set<string>();
    const loops = new Set<string>();
    const visit = (place: string, path: readonly LifeStep[]): void => {
      const start = path.findIndex(({ from }) => abstracted(from) === place);
      if (start >= 0) for (const step of path.slice(start)) loops.add(described(step));
      if (start >= 0 || finished.has(place)) return;
      for (const step of onward.get(place) ?? []) visit(abstracted(step.to), [...path, step]);
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
