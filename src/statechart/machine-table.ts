import type { StateValue } from "xstate";

/** An action's name and its constant parameters. */
export interface NamedAction {
  readonly type: string;
  readonly params: unknown;
  /** The state that declares it, on entry or on a transition. */
  readonly state: string;
}

/** A transition of a machine. States are named by XState's ids, such as `dedupKey.reserved.committing`. */
export interface TableTransition {
  /** The state that declares the transition, which applies in every leaf inside. */
  readonly source: string;
  readonly event: string;
  readonly guard: string | undefined;
  /** The state that the transition names; `undefined` to stay. */
  readonly target: string | undefined;
  /** The leaf in which the transition ends; `undefined` to stay. */
  readonly leaf: string | undefined;
  readonly reenter: boolean;
  /** The transition's own actions, then the entry actions from the outside in. */
  readonly actions: readonly NamedAction[];
}

/** A state without child states. The machine is always in exactly one leaf. */
export interface Leaf {
  readonly id: string;
  /** XState's snapshot value in this leaf: one frozen object that all snapshots share. */
  readonly value: StateValue;
  readonly final: boolean;
  /** Transitions by event. The first one whose guard holds is taken. */
  readonly on: ReadonlyMap<string, readonly TableTransition[]>;
}

/** A machine as a table from leaf and event to possible transitions. */
export interface MachineTable {
  readonly id: string;
  readonly initial: { readonly leaf: string; readonly actions: readonly NamedAction[] };
  readonly leaves: readonly Leaf[];
  /** Every declared transition once, in the machine's order. */
  readonly transitions: readonly TableTransition[];
}

/** The members used of XState's state nodes. */
export interface Node {
  readonly id: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly path: readonly string[];
  readonly parent?: Node;
  readonly states: Readonly<Record<string, Node>>;
  readonly initial: { readonly target: readonly Node[] };
  readonly entry: readonly unknown[];
  readonly transitions: ReadonlyMap<string, readonly Declared[]>;
}

/** A transition of a state node. */
export interface Declared {
  readonly target: readonly Node[] | undefined;
  readonly guard?: unknown;
  readonly reenter: boolean;
  readonly actions: readonly unknown[];
}

/**
 * Reads a machine into a table, for the compiler and for everything that draws or explains the machine. The machine must be one tree
 * of states, in which only events cause transitions. The tests check this of each machine, so that programs need not.
 * @throws {TypeError} that names the state of a guard or an action without a name.
 */
export function tableOf({ id, root }: { readonly id: string; readonly root: Node }): MachineTable {
  const nodes = withinOrder(root);
  const declared = new Map(nodes.map((node) => [node, transitionsOf(node)]));
  return {
    id,
    initial: { leaf: leafOf(root).id, actions: entryActions(initialPath(root)) },
    leaves: nodes
      .filter(({ type }) => type !== "compound")
      .map((node) => ({
        id: node.id,
        value: stateValue(node.path),
        final: node.type === "final",
        on: onOf(node, declared),
      })),
    transitions: [...declared.values()].flat(),
  };
}

/** Returns the error for a state that a table cannot express. */
export function uncompilable(state: string, reason: string): TypeError {
  return new TypeError(`State \`${state}\` can't be compiled: ${reason}`);
}

function withinOrder(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(withinOrder)];
}

function transitionsOf(source: Node): TableTransition[] {
  return [...source.transitions].flatMap(([event, choices]) =>
    choices.map((declared) => transitionOf(source, event, declared)),
  );
}

function transitionOf(source: Node, event: string, { target: targets = [], ...declared }: Declared): TableTransition {
  const [target] = targets;
  const entered = target === undefined ? [] : enteredBy(source, target, declared.reenter);
  return {
    source: source.id,
    event,
    guard: guardOf(source, event, declared.guard),
    target: target?.id,
    leaf: target === undefined ? undefined : leafOf(target).id,
    reenter: declared.reenter,
    actions: [...declared.actions.map((action) => named(source, action)), ...entryActions(entered)],
  };
}

function guardOf(source: Node, event: string, guard: unknown): string | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard === "string") return guard;
  if (!isTyped(guard)) throw uncompilable(source.id, `\`${event}\` has a guard without a name`);
  return guard.type;
}

function named(node: Node, action: unknown): NamedAction {
  if (typeof action === "string") return { type: action, params: undefined, state: node.id };
  if (!isTyped(action)) throw uncompilable(node.id, "it has an action without a name");
  return { type: action.type, params: action.params, state: node.id };
}

function isTyped(value: unknown): value is { readonly type: string; readonly params?: unknown } {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function entryActions(entered: readonly Node[]): NamedAction[] {
  return entered.flatMap((node) => node.entry.map((action) => named(node, action)));
}

/** Returns the states that a transition enters, from the outside in: those below its domain, which it does not leave. */
function enteredBy(source: Node, target: Node, reenter: boolean): Node[] {
  const stays = !reenter && (target === source || ancestorsOf(target).includes(source));
  const domain = stays ? source : ancestorsOf(target).find((node) => ancestorsOf(source).includes(node));
  const path = [...ancestorsOf(target).reverse(), ...initialPath(target)];
  return domain === undefined ? path : path.slice(path.indexOf(domain) + 1);
}

/** Returns the ancestors of a state, from the inside out. */
function ancestorsOf({ parent }: Node): Node[] {
  return parent === undefined ? [] : [parent, ...ancestorsOf(parent)];
}

/** Returns a state and its initial descendants. */
function initialPath(node: Node): Node[] {
  return [node, ...(node.type === "compound" ? node.initial.target.flatMap(initialPath) : [])];
}

function leafOf(node: Node): Node {
  return initialPath(node).at(-1) ?? node;
}

function onOf(leaf: Node, declared: ReadonlyMap<Node, readonly TableTransition[]>): Leaf["on"] {
  const on = new Map<string, TableTransition[]>();
  for (const transition of [leaf, ...ancestorsOf(leaf)].flatMap((node) => declared.get(node) ?? [])) {
    on.set(transition.event, [...(on.get(transition.event) ?? []), transition]);
  }
  return on;
}

function stateValue(path: readonly string[]): StateValue {
  const [outermost, ...inside] = path;
  if (outermost === undefined) return Object.freeze({});
  return inside.length === 0 ? outermost : Object.freeze({ [outermost]: stateValue(inside) });
}
