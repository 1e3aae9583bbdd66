import type { AnyStateMachine } from "xstate";
import { drawnTransitions, inOrder, type Node } from "./drawn-transitions.ts";

/** A state of a machine, identified by its dotted path. The root is not included. */
export interface ChartState {
  readonly id: string;
  readonly name: string;
  /** Dotted path of the parent, or an empty text at the top level. */
  readonly parent: string;
  readonly kind: Node["type"];
  readonly description: string;
  /** True if its parent starts here. */
  readonly isInitial: boolean;
  /** Events that it handles without leaving. */
  readonly internalEvents: readonly string[];
}

/** A transition between two states by one event. Transitions that differ only in their guards are merged. */
export interface ChartTransition {
  /** `<state> <event> <state>` */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
  /** Guards, in the order of evaluation. */
  readonly guards: readonly string[];
}

/** The drawable parts of a machine, as plain data. */
export interface Chart {
  readonly id: string;
  readonly states: readonly ChartState[];
  readonly transitions: readonly ChartTransition[];
}

/** Returns the chart of any XState machine. Transitions of the root are drawn from each state. */
export function chartOf(machine: AnyStateMachine): Chart {
  const root: Node = machine.root;
  const nodes = inOrder(root).filter((node) => node !== root);
  return { id: machine.id, states: nodes.map(chartStateOf), transitions: transitionsOf(nodes) };
}

function chartStateOf(node: Node): ChartState {
  return {
    id: idOf(node),
    name: node.type !== "history" ? node.key : node.history === "deep" ? "H*" : "H",
    parent: node.path.slice(0, -1).join("."),
    kind: node.type,
    description: node.description ?? "",
    isInitial: node.parent?.initial.target.includes(node) === true,
    internalEvents: [...new Set(drawnTransitions(node).flatMap(({ event, to }) => (to === undefined ? [event] : [])))],
  };
}

function transitionsOf(nodes: readonly Node[]): readonly ChartTransition[] {
  const found = new Map<string, ChartTransition>();
  for (const { from, event, guard, to } of nodes.flatMap(drawnTransitions)) {
    for (const target of targetsOf(to)) {
      const ends = { from: idOf(from), to: idOf(target) };
      const id = `${ends.from} ${event} ${ends.to}`;
      const guards = [...(found.get(id)?.guards ?? []), ...(guard === undefined ? [] : [guard])];
      found.set(id, { id, ...ends, event, guards });
    }
  }
  return [...found.values()];
}

/** A transition to the root leads to its initial state. */
function targetsOf(to: Node | undefined): readonly Node[] {
  if (to === undefined) return [];
  return to.parent === undefined ? to.initial.target : [to];
}

function idOf({ path }: Node): string {
  return path.join(".");
}
