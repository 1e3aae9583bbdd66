import type { EventObject, StateValue } from "xstate";
import { type Leaf, type MachineTable, type NamedAction, type TableTransition, uncompilable } from "./machine-table.ts";

interface Happening<Context> {
  readonly context: Context;
  readonly event: EventObject;
}

type Guard<Context> = (happening: Happening<Context>, params: undefined) => boolean;
type Update<Context> = (happening: Happening<Context>, params: unknown) => Partial<Context>;
/** What XState gives to actions, as far as it is given here. */
export interface EffectInfo<Context> extends Happening<Context> {
  readonly self: unknown;
  readonly system: unknown;
}
/** As a method, whose parameters may be narrower: an effect looks itself at what it is given as `self`. */
export type Effect<Context> = { effect(info: EffectInfo<Context>, params: unknown): void }["effect"];

/** A change of the context, or something to do. */
export type Action<Context> = Pick<NamedAction, "type" | "params"> &
  (
    | { readonly update: Update<Context>; readonly effect: undefined }
    | { readonly update: undefined; readonly effect: Effect<Context> }
  );

/** What can happen in a leaf: by event, the first choice whose guard holds. */
export interface Row<Context> {
  readonly value: StateValue;
  readonly status: "active" | "done";
  readonly on: Map<string, readonly Choice<Context>[]>;
}

/** One of the transitions of a row for an event. */
export interface Choice<Context> {
  readonly guard: Guard<Context> | undefined;
  /** `undefined` to stay. */
  readonly next: Row<Context> | undefined;
  readonly actions: readonly Action<Context>[];
}

/** A table with a machine's functions in the place of their names. */
export interface LinkedTable<Context> {
  readonly initial: { readonly row: Row<Context>; readonly actions: readonly Action<Context>[] };
  readonly rows: ReadonlyMap<StateValue, Row<Context>>;
}

/** What `assign` makes: XState does not declare what it carries. */
interface Assign<Context> {
  readonly type: "xstate.assign";
  readonly assignment: Update<Context>;
}

/** The functions of a machine by their names, as far as they can be linked. */
export interface Implementations<Context> {
  readonly guards: Readonly<Record<string, Guard<Context> | undefined>>;
  readonly actions: Readonly<Record<string, Effect<Context> | Assign<Context> | undefined>>;
}

/** @throws {TypeError} that names the state and what it lacks. */
export function link<Context>(
  table: MachineTable,
  { guards, actions }: Implementations<Context>,
): LinkedTable<Context> {
  const rows = new Map(table.leaves.map((leaf) => [leaf.id, emptyRow<Context>(leaf)]));
  const rowOf = (leaf: string): Row<Context> => {
    const row = rows.get(leaf);
    if (row === undefined) throw new TypeError(`The table of \`${table.id}\` has no leaf \`${leaf}\``);
    return row;
  };
  const linked = (action: NamedAction): Action<Context> => linkAction(action, actions[action.type]);
  for (const leaf of table.leaves) {
    for (const [event, transitions] of leaf.on) {
      const choices = transitions.map(
        (transition): Choice<Context> => ({
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
  };
}

function emptyRow<Context>({ value, final }: Leaf): Row<Context> {
  return { value, status: final ? "done" : "active", on: new Map() };
}

function linkGuard<Context>(
  { source, guard }: TableTransition,
  implementation: Guard<Context> | undefined,
): Guard<Context> {
  if (isPlainFunction(implementation)) return implementation;
  throw uncompilable(source, `the guard \`${guard}\` is ${unless("a plain function", implementation)}`);
}

function linkAction<Context>(
  { type, params, state }: NamedAction,
  implementation: Effect<Context> | Assign<Context> | undefined,
): Action<Context> {
  if (isAssign(implementation)) return { type, params, update: implementation.assignment, effect: undefined };
  if (isPlainFunction(implementation)) return { type, params, update: undefined, effect: implementation };
  throw uncompilable(
    state,
    `the action \`${type}\` is ${unless("a plain function or `assign` of one", implementation)}`,
  );
}

function unless(expectation: string, implementation: unknown): string {
  return implementation === undefined ? "not implemented" : `not ${expectation}`;
}

/** XState's own guards and actions are functions that carry what they do, and fail when they are called. */
function isPlainFunction<Value>(value: Value): value is Extract<Value, (...args: never) => unknown> {
  return typeof value === "function" && !("resolve" in value) && !("check" in value);
}

function isAssign<Value>(value: Value): value is Exclude<Value, ((...args: never) => unknown) | undefined> {
  return (
    typeof value === "function" &&
    "type" in value &&
    value.type === "xstate.assign" &&
    "assignment" in value &&
    typeof value.assignment === "function"
  );
}
