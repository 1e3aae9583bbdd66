import type { AnyStateMachine } from "xstate";

/** What is drawn of XState's state nodes. */
interface Node {
  readonly key: string;
  readonly path: readonly string[];
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly history: false | "shallow" | "deep";
  readonly parent?: Node;
  readonly states: Readonly<Record<string, Node>>;
  readonly initial: { readonly target: readonly Node[] };
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
  readonly always?: readonly Transition[];
}

interface Transition {
  readonly source: Node;
  readonly target: readonly Node[] | undefined;
  readonly guard?: unknown;
}

/**
 * Draws a machine as a Mermaid `stateDiagram-v2`: the same text for the same machine. Transitions are labelled `event [guard]`,
 * in the order in which they are tried; those that stay where they are stand inside their state.
 *
 * Mermaid draws no line from a state to one inside it. A transition of that kind is drawn from each of the states inside in which
 * it can happen.
 */
export function toMermaid(machine: AnyStateMachine): string {
  const root: Node = machine.root;
  const nodes = inOrder(root);
  const names = namesOf(nodes);
  const lines = new Map<string, string[]>();
  for (const { from, label, to } of nodes.flatMap(drawn)) {
    const line = to === undefined ? nameIn(names, from) : `${nameIn(names, from)} --> ${nameIn(names, to)}`;
    const labels = lines.get(line) ?? [];
    if (!labels.includes(label)) lines.set(line, [...labels, label]);
  }
  const edges = [...lines].map(([line, labels]) => `  ${line} : ${labels.join("<br/>")}`);
  return `${["stateDiagram-v2", ...inside(root, names).map(indented), ...edges].join("\n")}\n`;
}

interface Drawn {
  readonly from: Node;
  readonly label: string;
  /** `undefined` to stay. */
  readonly to: Node | undefined;
}

function drawn(node: Node): Drawn[] {
  const transitions = isLeaf(node)
    ? choicesIn(node).filter(([, transition]) => transition.source === node || isInward(transition))
    : ownOf(node).filter(([, transition]) => !isInward(transition));
  return transitions.flatMap(([event, { target = [undefined], guard }]) =>
    target.map((to) => ({ from: node, to, label: labelOf(event, guard) })),
  );
}

/** Whether a transition does not leave the state with states inside that declares it. */
function isInward({ source, target }: Transition): boolean {
  return !isLeaf(source) && (target ?? []).every((node) => node === source || ancestorsOf(node).includes(source));
}

function isLeaf({ states }: Node): boolean {
  return Object.keys(states).length === 0;
}

/** The transitions of a leaf and of the states around it, but for those behind one that is always taken. */
function choicesIn(leaf: Node): [string, Transition][] {
  if (leaf.type === "final" || leaf.type === "history") return [];
  const settled = new Set<string>();
  return [leaf, ...ancestorsOf(leaf)].flatMap(ownOf).filter(([event, { guard }]) => {
    if (settled.has(event)) return false;
    if (guard === undefined) settled.add(event);
    return true;
  });
}

function ownOf(node: Node): [string, Transition][] {
  const all: [string, readonly Transition[]][] = [["always", node.always ?? []], ...node.transitions];
  return all.flatMap(([event, transitions]) => transitions.map((one): [string, Transition] => [event, one]));
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

function labelOf(event: string, guard: unknown): string {
  const said = event
    .replace(/^xstate\.after\.([^.]+)\..*$/, "after $1")
    .replace(/^xstate\.done\.state\..*$/, "done")
    .replace(/^xstate\.(done|error)\.actor\.(.*)$/, "$1 $2")
    .replace(/^xstate\.snapshot\.(.*)$/, "snapshot $1");
  return escaped(guard === undefined ? said : `${said} [${guardName(guard)}]`);
}

function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "object" && guard !== null && "type" in guard) return String(guard.type);
  return typeof guard === "function" && guard.name !== "" && guard.name !== "guard" ? guard.name : "…";
}

/** Words with a meaning of their own in Mermaid. */
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

/** A name for each state, of letters, digits and underscores, that no other has. */
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

/** Mermaid's way to write what it would read as syntax. */
function escaped(text: string): string {
  return text.replaceAll(/[#;:<>"{}\n]/g, (character) => `#${character.charCodeAt(0)};`);
}

function indented(line: string): string {
  return `  ${line}`;
}

function inOrder(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(inOrder)];
}

/** From the inside out. */
function ancestorsOf({ parent }: Node): Node[] {
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)];
}
