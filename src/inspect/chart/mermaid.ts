import type { AnyStateMachine } from "xstate";
import { type DrawnTransition, drawnTransitions, inOrder, type Node } from "./drawn-transitions.ts";

/**
 * Draws a machine as a Mermaid `stateDiagram-v2`. The same machine gives the same text. Transitions are labelled `event [guard]` in
 * the order of evaluation, and transitions that stay in a state are listed inside it.
 *
 * Mermaid draws no line from a state to its descendant. Such a transition is drawn from each leaf in which it can occur.
 */
export function toMermaid(machine: AnyStateMachine): string {
  const root: Node = machine.root;
  const nodes = inOrder(root);
  const names = namesOf(nodes);
  const lines = new Map<string, string[]>();
  for (const transition of nodes.flatMap(drawnTransitions)) {
    const { from, to } = transition;
    const label = labelOf(transition);
    const line = to === undefined ? nameIn(names, from) : `${nameIn(names, from)} --> ${nameIn(names, to)}`;
    const labels = lines.get(line) ?? [];
    if (!labels.includes(label)) lines.set(line, [...labels, label]);
  }
  const edges = [...lines].map(([line, labels]) => `  ${line} : ${labels.join("<br/>")}`);
  return `${["stateDiagram-v2", ...inside(root, names).map(indented), ...edges].join("\n")}\n`;
}

function inside(node: Node, names: ReadonlyMap<Node, string>): string[] {
  const begins = node.initial.target.map((first) => `[*] --> ${nameIn(names, first)}`);
  const children = Object.values(node.states).map((child) => block(child, names));
  return [...begins, ...(node.type === "parallel" ? children.flatMap(besideTheNext) : children.flat())];
}

function besideTheNext(region: readonly string[], index: number): string[] {
  return index === 0 ? [...region] : ["--", ...region];
}

function block(node: Node, names: ReadonlyMap<Node, string>): string[] {
  const name = nameIn(names, node);
  const title = node.type !== "history" ? node.key : node.history === "deep" ? "H*" : "H";
  const head = `state "${escaped(title)}" as ${name}`;
  if (node.type === "final") return [head, `${name} --> [*]`];
  const content = inside(node, names);
  return content.length === 0 ? [head] : [`${head} {`, ...content.map(indented), "}"];
}

function labelOf({ event, guard }: DrawnTransition): string {
  return escaped(guard === undefined ? event : `${event} [${guard}]`);
}

/** Words that Mermaid reserves. */
const KEYWORDS = [
  "as",
  "choice",
  "class",
  "classDef",
  "click",
  "default",
  "direction",
  "end",
  "fork",
  "hide",
  "join",
  "note",
  "root",
  "scale",
  "state",
  "style",
];

/** Returns a unique Mermaid identifier for each state. */
function namesOf(nodes: readonly Node[]): ReadonlyMap<Node, string> {
  const taken = new Set(KEYWORDS);
  const names = new Map<Node, string>();
  for (const node of nodes) {
    let name = node.path.join("_").replaceAll(/\W/g, "_");
    while (taken.has(name)) name += "_";
    taken.add(name);
    names.set(node, name);
  }
  return names;
}

function nameIn(names: ReadonlyMap<Node, string>, node: Node): string {
  const name = names.get(node);
  if (name === undefined) throw new TypeError(`The machine has no state \`${node.path.join(".")}\``);
  return name;
}

/** Escapes characters that are Mermaid syntax. */
function escaped(text: string): string {
  return text.replaceAll(/[#;:<>"{}\n]/g, (character) => `#${character.charCodeAt(0)};`);
}

function indented(line: string): string {
  return `  ${line}`;
}
