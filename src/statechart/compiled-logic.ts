import type {
  ActorLogic,
  AnyStateMachine,
  ContextFrom,
  EventFrom,
  EventObject,
  InputFrom,
  MachineContext,
  Snapshot,
  StateValue,
} from "xstate";
import { type Action, type Choice, type Effect, link, type Row } from "./linked-table.ts";
import { type MachineTable, tableOf, uncompilable } from "./machine-table.ts";

/** Like XState's snapshot of a machine, without what costs time to make. */
export type CompiledSnapshot<Context> = Snapshot<undefined> & {
  readonly value: StateValue;
  readonly context: Context;
};

/** An action to take, and the context as it is when its turn comes. */
export interface TakenAction<Context> {
  readonly type: string;
  readonly params: unknown;
  readonly context: Context;
}

/** Where a step leads, and what is to be done on the way. */
export interface CompiledStep<Context> {
  readonly snapshot: CompiledSnapshot<Context>;
  readonly actions: readonly TakenAction<Context>[];
}

/** Logic for XState's `createActor`; and, for those who explore, the same as pure functions. */
export interface CompiledLogic<Context, Event extends EventObject, Input>
  extends ActorLogic<CompiledSnapshot<Context>, Event, Input> {
  readonly table: MachineTable;
  /** The first snapshot, and the actions of the start. */
  readonly begin: (input: Input) => CompiledStep<Context>;
  readonly step: (snapshot: CompiledSnapshot<Context>, event: Event) => CompiledStep<Context>;
  /** As `begin`, but gives each action to `perform` in its turn. */
  readonly beginWith: <To>(input: Input, perform: Perform<Context, To>, to: To) => CompiledSnapshot<Context>;
  /** As `step`, but gives each action to `perform` in its turn. */
  readonly stepWith: <To>(
    snapshot: CompiledSnapshot<Context>,
    event: Event,
    perform: Perform<Context, To>,
    to: To,
  ) => CompiledSnapshot<Context>;
}

type ContextFactory<Context> = (given: { readonly input: unknown }) => Context;

/** Has an action done that is no change of the context. */
export type Perform<Context, To> = (action: Action<Context>, context: Context, event: EventObject, to: To) => void;

/**
 * What is used of an actor's scope; wider than XState's type, which wants snapshots of its own. The executor waits until the
 * actor has started, and tells its inspectors.
 */
interface Scope<Context> {
  readonly self: unknown;
  readonly system: unknown;
  actionExecutor(action: {
    readonly type: string;
    readonly params: unknown;
    readonly info: unknown;
    readonly exec: Effect<Context> | undefined;
  }): void;
}

/**
 * Makes of a machine, its effects provided, logic that does the same for a fraction of the cost: it looks up a table.
 *
 * Guards, effects and `assign` functions are the machine's own, found by their names. Guards and `assign` functions are given
 * the context and the event, effects also `self` and `system`. Inspectors are told all that XState tells but `@xstate.microstep`.
 * @throws {TypeError} that names the state and the reason, if the machine has what a table can't express.
 */
export function compile<Machine extends AnyStateMachine>(
  machine: Machine,
): CompiledLogic<ContextFrom<Machine>, EventFrom<Machine>, InputFrom<Machine>> {
  return logicOf(machine);
}

function logicOf<Context extends MachineContext, Event extends EventObject, Input>(
  machine: AnyStateMachine,
): CompiledLogic<Context, Event, Input> {
  type At = CompiledSnapshot<Context>;
  const table = tableOf(machine);
  const { initial, rows } = link<Context>(table, machine.implementations);
  const contextFor = contextFactory<Context>(table.id, machine.config);

  function begin<To>(input: Input, perform: Perform<Context, To>, to: To): At {
    const event = { type: "xstate.init", input };
    return snapshotIn(initial.row, run(initial.actions, contextFor({ input }), event, perform, to));
  }

  function advance<To>(at: At, event: EventObject, perform: Perform<Context, To>, to: To): At {
    if (at.status !== "active") return at;
    const row = rows.get(at.value);
    if (row === undefined) throw new TypeError(`Not a snapshot of the compiled \`${table.id}\``);
    const choice = choose(row.on.get(event.type), at.context, event);
    if (choice === undefined) return at;
    const context = run(choice.actions, at.context, event, perform, to);
    const { next = row } = choice;
    return next === row && context === at.context ? at : snapshotIn(next, context);
  }

  return {
    table,
    config: machine.config,
    getInitialSnapshot: (scope, input) => begin<Scope<Context>>(input, execute, scope),
    transition: (at, event, scope) =>
      event.type === "xstate.stop" ? stopped(at) : advance<Scope<Context>>(at, event, execute, scope),
    getPersistedSnapshot: (at) => at,
    begin: (input) => {
      const actions: TakenAction<Context>[] = [];
      return { snapshot: begin(input, collect, actions), actions };
    },
    step: (at, event) => {
      const actions: TakenAction<Context>[] = [];
      return { snapshot: advance(at, event, collect, actions), actions };
    },
    beginWith: begin,
    stepWith: advance,
  };
}

function contextFactory<Context>(
  machine: string,
  { context }: { readonly context?: Context | ContextFactory<Context> },
): ContextFactory<Context> {
  if (context === undefined) throw uncompilable(machine, "it has no context");
  return isFactory(context) ? context : () => context;
}

function isFactory<Context>(context: Context | ContextFactory<Context>): context is ContextFactory<Context> {
  return typeof context === "function";
}

function choose<Context>(
  choices: readonly Choice<Context>[] = [],
  context: Context,
  event: EventObject,
): Choice<Context> | undefined {
  for (const choice of choices) {
    if (choice.guard === undefined || choice.guard({ context, event }, undefined)) return choice;
  }
  return undefined;
}

function run<Context, To>(
  actions: readonly Action<Context>[],
  from: Context,
  event: EventObject,
  perform: Perform<Context, To>,
  to: To,
): Context {
  let context = from;
  for (const action of actions) {
    if (action.update === undefined) perform(action, context, event, to);
    else context = { ...context, ...action.update({ context, event }, action.params) };
  }
  return context;
}

function execute<Context>(
  { type, params, effect }: Action<Context>,
  context: Context,
  event: EventObject,
  to: Scope<Context>,
): void {
  to.actionExecutor({ type, params, info: { context, event, self: to.self, system: to.system }, exec: effect });
}

function collect<Context>(
  { type, params }: Action<Context>,
  context: Context,
  _event: EventObject,
  to: TakenAction<Context>[],
): void {
  to.push({ type, params, context });
}

function snapshotIn<Context>({ status, value }: Row<Context>, context: Context): CompiledSnapshot<Context> {
  return { status, output: undefined, error: undefined, value, context };
}

function stopped<Context>({ value, context }: CompiledSnapshot<Context>): CompiledSnapshot<Context> {
  return { status: "stopped", output: undefined, error: undefined, value, context };
}
