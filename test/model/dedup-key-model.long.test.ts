import { afterAll, describe, expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/index.ts";
import { noteExplored } from "../support/explored.ts";
import { type Checked, check, summary } from "./check.ts";
import { described, type Scope } from "./scope.ts";
import { reasonNotTaken, scopes, scopesForOneTransition } from "./scopes.ts";
import type { Machine, Transition } from "./stepped-machine.ts";

/**
 * Steps the production machine through every world of a scope: deliveries, store answers, leases, crashes and other faults. Each
 * step is judged by G1 to G10, and every run must be able to finish with all deliveries settled.
 */
describe("the dedup-key machine", { timeout: 600_000 }, () => {
  const checked: { readonly scope: Scope; readonly result: Checked }[] = [];
  const reached = new Map<string, Set<Transition>>();
  let coverage = "";

  function mustHold(scope: Scope): void {
    const result = check(dedupKeyMachine, scope);
    checked.push({ scope, result });
    for (const [leaf, transitions] of result.reached) {
      reached.set(leaf, new Set([...(reached.get(leaf) ?? []), ...transitions]));
    }
    expect(result.violations, `\n${result.shown}\n`).toEqual([]);
  }

  afterAll(() => {
    const total = (of: (result: Checked) => number): number => checked.reduce((sum, { result }) => sum + of(result), 0);
    const [worlds, steps] = [total((result) => result.worlds), total((result) => result.steps)];
    const title = `Model check of the dedup-key machine: ${worlds.toLocaleString("en")} worlds, ${steps.toLocaleString("en")} steps, no violation`;
    noteExplored(title, [...checked.map(({ scope, result }) => summary(scope, result)), coverage]);
  });

  it.each(scopes.map((scope) => ({ scope, name: described(scope) })))(
    "keeps all guarantees in every world of $name",
    ({ scope }) => {
      mustHold(scope);
    },
  );

  it.each(scopesForOneTransition)("keeps all guarantees where $reaches", ({ scope }) => {
    mustHold(scope);
  });

  it("takes every transition from each state where it is possible", () => {
    const leaves = nodesIn(dedupKeyMachine.root).filter(({ type }) => type === "atomic");
    const pairs = leaves.flatMap((leaf) => transitionsFrom(leaf).map((transition) => ({ leaf: leaf.id, transition })));
    const taken = new Set([...reached.values()].flatMap((transitions) => [...transitions]));
    expect(pairs.filter(({ transition }) => !taken.has(transition)).map(inWords)).toEqual([]);

    const explained = pairs.filter(({ leaf, transition }) => reasonNotTaken(leaf, transition) !== undefined);
    const missing = pairs.filter(({ leaf, transition }) => reached.get(leaf)?.has(transition) !== true);
    expect(missing.map(inWords)).toEqual(explained.map(inWords));
    coverage = `All ${leaves.length} states and ${taken.size} transitions reached, in ${pairs.length - missing.length} pairs; ${explained.length} pairs cannot be`;
  });
});

type Node = Machine["root"];

function nodesIn(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(nodesIn)];
}

/** Returns the transitions that apply in a state: its own, and those of its ancestors. */
function transitionsFrom(node: Node): Transition[] {
  const own = [...node.transitions.values()].flat();
  return node.parent === undefined ? own : [...own, ...transitionsFrom(node.parent)];
}

function inWords({ leaf, transition }: { readonly leaf: string; readonly transition: Transition }): string {
  const guard = typeof transition.guard === "string" ? ` [${transition.guard}]` : "";
  return `${leaf}: ${transition.eventType}${guard} of ${transition.source.id}`;
}
