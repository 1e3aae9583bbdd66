import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { uncompilable } from "../../src/statechart/machine-table.ts";

/**
 * Checks that a table can express a machine: one tree of states, in which only events cause transitions.
 * @throws {TypeError} that names the state and the reason, if the machine has anything else.
 */
export function checkCompilable({ root }: AnyStateMachine): void {
  checkNode(root);
}

function checkNode(node: AnyStateNode): void {
  const { id, type, parent } = node;
  if (type === "parallel") throw uncompilable(id, "it is parallel");
  if (type === "history") throw uncompilable(id, "it is a history state");
  if (type === "final" && parent?.parent !== undefined) throw uncompilable(id, "it is final below the top level");
  if (type === "compound" && node.initial.actions.length > 0)
    throw uncompilable(id, "its initial transition has actions");
  if (node.invoke.length > 0) throw uncompilable(id, "it invokes an actor");
  if (node.after.length > 0) throw uncompilable(id, "it has delayed transitions (`after`)");
  if (node.always !== undefined) throw uncompilable(id, "it has transitions without an event (`always`)");
  if (node.exit.length > 0) throw uncompilable(id, "it has exit actions");
  if (node.tags.length > 0) throw uncompilable(id, "it has tags");
  if (node.output !== undefined) throw uncompilable(id, "it has an output");
  for (const [event, choices] of node.transitions) {
    if (event.includes("*")) throw uncompilable(id, `it has a wildcard for events, \`${event}\``);
    if (event.startsWith("xstate.")) throw uncompilable(id, `it reacts to an event of XState itself, \`${event}\``);
    for (const choice of choices) checkTransition(id, event, choice);
  }
  for (const action of node.entry) checkParams(id, action);
  for (const child of Object.values(node.states)) checkNode(child);
}

function checkTransition(id: string, event: string, { target = [], guard, actions }: AnyTransitionDefinition): void {
  if (target.length > 1) throw uncompilable(id, `\`${event}\` has several targets`);
  const named: unknown = guard;
  if (typeof named === "object" && named !== null && "params" in named && named.params !== undefined) {
    throw uncompilable(id, `the guard \`${"type" in named ? String(named.type) : ""}\` has parameters`);
  }
  for (const action of actions) checkParams(id, action);
}

function checkParams(id: string, action: unknown): void {
  if (typeof action !== "object" || action === null || !("params" in action && "type" in action)) return;
  if (typeof action.params === "function") {
    throw uncompilable(id, `the parameters of the action \`${String(action.type)}\` are not constant`);
  }
}
