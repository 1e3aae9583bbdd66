import type { AnyStateMachine } from "xstate";
import { drawn, inOrder, type Node } from "./drawn.ts";

/** A state of a machine, by its path with dots; the machine itself is no state of it. */
export interface ChartState {
  readonly id: string;
  readonly name: string;
  /** The state around it; empty for one at the top. */
  readonly parent: string;
  readonly kind: Node["type"];
  readonly description: string;
  /** Where it, or the machine, begins. */
  readonly isInitial: boolean;
  /** What can happen in it that leaves it where it is. */
  readonly stays: readonly string[];
}

/** A transition between two states; what leads from one to the same by the same event, under whatever conditions, is one. */
export interface ChartTransition {
  /** `<state> <event> <state>` */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
  /** The conditions under which it is taken, in the order in which they are tried; empty for none. */
  readonly guards: readonly string[];
}

/** A machine as plain data: what is to be drawn of it. */
export interface Chart {
  readonly id: string;
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
}

/** The states and transitions of any XState machine. What the machine declares for all its states is drawn from each. */
export function chartOf(machine: AnyStateMachine): Chart {
  const root: Node = machine.root;
  const nodes = inOrder(root).filter((node) => node !== root);
  return { id: machine.id, states: nodes.map(stateOf), transitions: transitionsOf(nodes) };
}

function stateOf(node: Node): ChartState {
  return {
    id: idOf(node),
    name: node.type !== "history" ? node.key : node.history === "deep" ? "H*" : "H",
    parent: node.path.slice(0, -1).join("."),
    kind: node.type,
    description: node.description ?? "",
    isInitial: node.parent?.initial.target.includes(node) === true,
    stays: [...new Set(drawn(node).flatMap(({ event, to }) => (to === undefined ? [event] : [])))],
  };
}

function transitionsOf(nodes: readonly Node[]): readonly ChartTransition[] {
  const found = new Map<string, ChartTransition>();
  for (const { from, event, guard, to } of nodes.flatMap(drawn)) {
    for (const target of targetsOf(to)) {
      const ends = { from: idOf(from), to: idOf(target) };
      const id = `${ends.from} ${event} ${ends.to}`;
      const guards = [...(found.get(id)?.guards ?? []), ...(guard === undefined ? [] : [guard])];
      found.set(id, { id, ...ends, event, guards });
    }
  }
  return [...found.values()];
}

/** Who targets the machine itself comes to where it begins. */
function targetsOf(to: Node | undefined): readonly Node[] {
  if (to === undefined) return [];
  return to.parent === undefined ? to.initial.target : [to];
}

function idOf({ path }: Node): string {
  return path.join(".");
}
