import { isObject } from "../../internal/is-object.ts";

/** The fields of XState's state nodes that are drawn. */
export interface Node {
  readonly key: string;
  readonly path: readonly string[];
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly history: false | "shallow" | "deep";
  readonly description?: string | undefined;
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

/** A drawn transition. */
export interface DrawnTransition {
  readonly from: Node;
  /** Readable name: `after 1000`, `done`, `always`, or the event's type. */
  readonly event: string;
  readonly guard: string | undefined;
  /** Target, or `undefined` for a transition that stays in the state. */
  readonly to: Node | undefined;
}

/**
 * Returns the transitions drawn from a state, in the order of evaluation. A line from a state into itself explains little. A compound
 * state's transition to itself or to a descendant is therefore drawn from each leaf in which it can occur.
 */
export function drawnTransitions(node: Node): DrawnTransition[] {
  const transitions = isLeaf(node)
    ? choicesIn(node).filter(([, transition]) => transition.source === node || isInward(transition))
    : ownOf(node).filter(([, transition]) => !isInward(transition));
  return transitions.flatMap(([event, { target = [undefined], guard }]) =>
    target.map((to) => ({
      from: node,
      event: nameOf(event),
      guard: guard === undefined ? undefined : guardName(guard),
      to,
    })),
  );
}

/** Returns a state and its descendants in the order of declaration. */
export function inOrder(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(inOrder)];
}

/** Returns true for a transition that does not leave the compound state that declares it. */
function isInward({ source, target }: Transition): boolean {
  return !isLeaf(source) && (target ?? []).every((node) => node === source || ancestorsOf(node).includes(source));
}

function isLeaf({ states }: Node): boolean {
  return Object.keys(states).length === 0;
}

/** Returns the transitions of a leaf and its ancestors, without those that an unguarded transition hides. */
function choicesIn(leaf: Node): [string, Transition][] {
  if (leaf.type === "final" || leaf.type === "history") return [];
  const decided = new Set<string>();
  return [leaf, ...ancestorsOf(leaf)].flatMap(ownOf).filter(([event, { guard }]) => {
    if (decided.has(event)) return false;
    if (guard === undefined) decided.add(event);
    return true;
  });
}

function ownOf(node: Node): [string, Transition][] {
  const all: [string, readonly Transition[]][] = [["always", node.always ?? []], ...node.transitions];
  return all.flatMap(([event, transitions]) => transitions.map((one): [string, Transition] => [event, one]));
}

/** Returns the ancestors, innermost first. */
function ancestorsOf({ parent }: Node): Node[] {
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)];
}

function nameOf(event: string): string {
  return event
    .replace(/^xstate\.after\.([^.]+)\..*$/, "after $1")
    .replace(/^xstate\.done\.state\..*$/, "done")
    .replace(/^xstate\.(done|error)\.actor\.(.*)$/, "$1 $2")
    .replace(/^xstate\.snapshot\.(.*)$/, "snapshot $1");
}

function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (isObject(guard) && "type" in guard) return String(guard["type"]);
  return typeof guard === "function" && guard.name !== "" && guard.name !== "guard" ? guard.name : "…";
}
