import type { EventObject, StateValue } from "xstate";
import { type Leaf, type MachineTable, type NamedAction, type TableTransition, uncompilable } from "./machine-table.ts";

interface Input<Context> {
  readonly context: Context;
  readonly event: EventObject;
}

/** As a method, so that a guard may declare the machine's own events. */
type Guard<Context> = { guard(input: Input<Context>, params: undefined): boolean }["guard"];
type Update<Context> = (input: Input<Context>, params: unknown) => Partial<Context>;
/** The part of XState's action arguments that compiled logic provides. */
interface ActionInput<Context> extends Input<Context> {
  readonly self: unknown;
  readonly system: unknown;
}
/** As a method, so that an implementation may declare a narrower `self`. */
export type ActionFunction<Context> = { action(input: ActionInput<Context>, params: unknown): void }["action"];

/** An action of the table. It changes the context if it has an `update`; otherwise its function is called. */
export interface Action<Context> extends Pick<NamedAction, "type" | "params"> {
  readonly update: Update<Context> | undefined;
}

/** A leaf of the machine, with the transitions for each event. The first one whose guard holds is taken. */
export interface TableRow<Context> {
  readonly value: StateValue;
  readonly status: "active" | "done";
  readonly on: Map<string, readonly LinkedTransition<Context>[]>;
}

/** One of the transitions of a row for an event. */
export interface LinkedTransition<Context> {
  readonly guard: Guard<Context> | undefined;
  /** `undefined` for a transition that stays in its row. */
  readonly next: TableRow<Context> | undefined;
  readonly actions: readonly Action<Context>[];
}

/** A table that contains a machine's functions instead of their names. */
interface LinkedTable<Context> {
  readonly initial: { readonly row: TableRow<Context>; readonly actions: readonly Action<Context>[] };
  readonly rows: ReadonlyMap<StateValue, TableRow<Context>>;
  /** The functions of the actions that are not updates, by name. */
  readonly functions: ReadonlyMap<string, ActionFunction<Context>>;
}

/** The result of XState's `assign`, whose type does not declare the assignment. */
interface Assign<Context> {
  readonly type: "xstate.assign";
  readonly assignment: Update<Context>;
}

/** A machine's functions by name. */
export interface Implementations<Context> {
  readonly guards: Readonly<Record<string, Guard<Context> | undefined>>;
  readonly actions: Readonly<Record<string, ActionFunction<Context> | Assign<Context> | undefined>>;
}

/** @throws {TypeError} that names the state and what it lacks. */
export function linkTable<Context>(
  table: MachineTable,
  { guards, actions }: Implementations<Context>,
): LinkedTable<Context> {
  const rows = new Map(table.leaves.map((leaf) => [leaf.id, emptyRow<Context>(leaf)]));
  const rowOf = (leaf: string): TableRow<Context> => {
    const row = rows.get(leaf);
    if (row === undefined) throw new TypeError(`The table of \`${table.id}\` has no leaf \`${leaf}\``);
    return row;
  };
  const functions = new Map<string, ActionFunction<Context>>();
  const linked = ({ type, params, state }: NamedAction): Action<Context> => {
    const implementation = implementationOf(type, state, actions[type]);
    if (isAssign(implementation)) return { type, params, update: implementation.assignment };
    functions.set(type, implementation);
    return { type, params, update: undefined };
  };
  for (const leaf of table.leaves) {
    for (const [event, transitions] of leaf.on) {
      const choices = transitions.map(
        (transition): LinkedTransition<Context> => ({
          guard: transition.guard === undefined ? undefined : linkGuard(transition, guards[transition.guard]),
          next: transition.leaf === undefined ? undefined : rowOf(transition.leaf),
          actions: transition.actions.map(linked),
        }),
      );
      rowOf(leaf.id).on.set(event, choices);
    }
  }
  return {
    initial: { row: rowOf(table.initial.leaf), actions: table.initial.actions.map(linked) },
    rows: new Map([...rows.values()].map((row) => [row.value, row])),
    functions,
  };
}

function emptyRow<Context>({ value, final }: Leaf): TableRow<Context> {
  return { value, status: final ? "done" : "active", on: new Map() };
}

function linkGuard<Context>(
  { source, guard }: TableTransition,
  implementation: Guard<Context> | undefined,
): Guard<Context> {
  if (isPlainFunction(implementation)) return implementation;
  throw uncompilable(source, `the guard \`${guard}\` is ${unless("a plain function", implementation)}`);
}

function implementationOf<Context>(
  action: string,
  state: string,
  implementation: ActionFunction<Context> | Assign<Context> | undefined,
): ActionFunction<Context> | Assign<Context> {
  if (isAssign(implementation) || isPlainFunction(implementation)) return implementation;
  throw uncompilable(
    state,
    `the action \`${action}\` is ${unless("a plain function or `assign` of one", implementation)}`,
  );
}

function unless(expectation: string, implementation: unknown): string {
  return implementation === undefined ? "not implemented" : `not ${expectation}`;
}

/** XState's own guards and actions are also functions, but fail when called. They have a `resolve` or `check` member. */
function isPlainFunction<Value>(value: Value): value is Extract<Value, (...args: never) => unknown> {
  return typeof value === "function" && !("resolve" in value) && !("check" in value);
}

/** Returns true for the result of `assign` with a function. */
export function isAssign<Value>(value: Value): value is Exclude<Value, ((...args: never) => unknown) | undefined> {
  return (
    typeof value === "function" &&
    "type" in value &&
    value.type === "xstate.assign" &&
    "assignment" in value &&
    typeof value.assignment === "function"
  );
}
