/** What is drawn of XState's state nodes. */
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

/** A transition as it is drawn. */
export interface Drawn {
  readonly from: Node;
  /** What people call it: `after 1000`, `done`, `always`, or the event's own name. */
  readonly event: string;
  readonly guard: string | undefined;
  /** `undefined` to stay. */
  readonly to: Node | undefined;
}

/**
 * The transitions that are drawn from a state, in the order in which they are tried. What a state with states inside declares for
 * itself or for them is drawn from each of them in which it can happen: a line from a state to its own inside says little.
 */
export function drawn(node: Node): Drawn[] {
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

/** A state and all states inside, in the order in which they stand. */
export function inOrder(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(inOrder)];
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

/** From the inside out. */
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
  if (typeof guard === "object" && guard !== null && "type" in guard) return String(guard.type);
  return typeof guard === "function" && guard.name !== "" && guard.name !== "guard" ? guard.name : "…";
}
