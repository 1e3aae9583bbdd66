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
import {
  type Action,
  type ActionFunction,
  type Implementations,
  type LinkedTransition,
  linkTable,
  type TableRow,
} from "./linked-table.ts";
import { type MachineTable, type Node, tableOf, uncompilable } from "./machine-table.ts";

/** The members of XState's machine snapshot that cost nothing to make. */
export type CompiledSnapshot<Context> = Snapshot<undefined> & {
  readonly value: StateValue;
  readonly context: Context;
};

/** An action to execute, with the context at its place in the list of actions. */
export interface TakenAction<Context> {
  readonly type: string;
  readonly params: unknown;
  readonly context: Context;
}

/** The result of an event: the next snapshot, and the actions to execute in their order. */
export interface CompiledStep<Context> {
  readonly snapshot: CompiledSnapshot<Context>;
  readonly actions: readonly TakenAction<Context>[];
}

/** A machine as logic for XState's `createActor`. Its two entry points are pure: they return actions and execute none. */
export interface CompiledLogic<Context, Event extends EventObject, Input>
  extends ActorLogic<CompiledSnapshot<Context>, Event, Input> {
  readonly table: MachineTable;
  readonly begin: (input: Input) => CompiledStep<Context>;
  readonly step: (snapshot: CompiledSnapshot<Context>, event: Event) => CompiledStep<Context>;
}

/** Executes an action of a running actor at once, without a report to XState's inspectors. */
export type Execute<Context> = (self: object, type: string, params: unknown, context: Context) => void;

type ContextFactory<Context> = (given: { readonly input: unknown }) => Context;

/**
 * The members used of XState's actor scope, which declares narrower types. Its executor defers actions until the actor has
 * started, and reports them to inspectors.
 */
interface Scope<Context> {
  readonly self: object;
  readonly system: unknown;
  actionExecutor(action: {
    readonly type: string;
    readonly params: unknown;
    readonly info: unknown;
    readonly exec: ActionFunction<Context> | undefined;
  }): void;
}

/** The members of a machine that are compiled. */
export interface Compilable<Context> extends Pick<AnyStateMachine, "id" | "config"> {
  readonly implementations: Implementations<Context>;
  readonly root: Node;
}

/**
 * Compiles a machine to a table. Actors that run the result behave as actors of the machine do, at a fraction of the cost.
 *
 * Guards, actions and `assign` functions are the machine's own. Guards and `assign` functions get the context and the event;
 * actions also get `self` and `system`. Inspectors get every event except `@xstate.microstep`.
 * @param execute executes the actions after the start, in place of XState's executor and the machine's own functions.
 * @throws {TypeError} that names the state and the reason, if a table cannot express the machine.
 */
export function compile<Machine extends AnyStateMachine>(
  machine: Machine | Compilable<ContextFrom<Machine>>,
  execute?: Execute<ContextFrom<Machine>>,
): CompiledLogic<ContextFrom<Machine>, EventFrom<Machine>, InputFrom<Machine>> {
  return logicOf(machine, execute);
}

function logicOf<Context extends MachineContext, Event extends EventObject, Input>(
  machine: Compilable<Context>,
  execute: Execute<Context> | undefined,
): CompiledLogic<Context, Event, Input> {
  const table = tableOf(machine);
  const { initial, rows, functions } = linkTable<Context>(table, machine.implementations);
  const contextFor = contextFactory<Context>(table.id, machine.config);

  function start<Target>(input: Input, take: Take<Context, Target>, target: Target): CompiledSnapshot<Context> {
    const given = { context: contextFor({ input }), event: initOf(input) };
    return snapshotIn(initial.row, run(initial.actions, given, take, target));
  }

  function advance<Target>(
    at: CompiledSnapshot<Context>,
    event: EventObject,
    take: Take<Context, Target>,
    target: Target,
  ): CompiledSnapshot<Context> {
    if (at.status !== "active") return at;
    if (event.type === "xstate.stop") return stopped(at);
    const row = rows.get(at.value);
    if (row === undefined) throw new TypeError(`Not a snapshot of the compiled \`${table.id}\``);
    const given = { context: at.context, event };
    const choice = choose(row.on.get(event.type), given);
    if (choice === undefined) return at;
    const context = run(choice.actions, given, take, target);
    const { next = row } = choice;
    return next === row && context === at.context ? at : snapshotIn(next, context);
  }

  function begin(input: Input): CompiledStep<Context> {
    const actions: TakenAction<Context>[] = [];
    return { snapshot: start(input, collect, actions), actions };
  }

  function step(at: CompiledSnapshot<Context>, event: EventObject): CompiledStep<Context> {
    const actions: TakenAction<Context>[] = [];
    return { snapshot: advance(at, event, collect, actions), actions };
  }

  const report: Take<Context, Scope<Context>> = (scope, type, params, context, event) => {
    const { self, system } = scope;
    scope.actionExecutor({ type, params, info: { context, event, self, system }, exec: functions.get(type) });
  };

  const logic = {
    table,
    config: machine.config,
    begin,
    step,
    getPersistedSnapshot: (at: CompiledSnapshot<Context>) => at,
  };
  const isPlainStart = initial.row.status === "active" && initial.actions.every(({ update }) => update === undefined);
  if (execute === undefined || !isPlainStart) {
    return {
      ...logic,
      getInitialSnapshot: (scope, input) => start(input, report, scope),
      transition: (at, event, scope) =>
        execute === undefined ? advance(at, event, report, scope) : advance(at, event, execute, scope.self),
    };
  }
  // The initial actions run at the start, without XState's list of deferred actions, which an actor would keep until its end.
  return {
    ...logic,
    getInitialSnapshot: (_, input) => start(input, ignore, undefined),
    start({ context }, { self }) {
      for (const { type, params } of initial.actions) execute(self, type, params, context);
    },
    transition: (at, event, { self }) => advance(at, event, execute, self),
  };
}

/** Returns the event with which XState starts an actor. */
function initOf(input: unknown): EventObject & { readonly input: unknown } {
  return { type: "xstate.init", input };
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

/** The argument of guards and updates. */
interface Given<Context> {
  readonly context: Context;
  readonly event: EventObject;
}

function choose<Context>(
  choices: readonly LinkedTransition<Context>[] = [],
  given: Given<Context>,
): LinkedTransition<Context> | undefined {
  for (const choice of choices) {
    if (choice.guard === undefined || choice.guard(given, undefined)) return choice;
  }
  return undefined;
}

/** Receives each action of a step, with its context. `target` saves a closure for each step. */
type Take<Context, Target> = (
  target: Target,
  type: string,
  params: unknown,
  context: Context,
  event: EventObject,
) => void;

function collect<Context>(actions: TakenAction<Context>[], type: string, params: unknown, context: Context): void {
  actions.push({ type, params, context });
}

function ignore(): void {}

/** Applies the updates among the actions, and hands over the others. Returns the context after all of them. */
function run<Context, Target>(
  actions: readonly Action<Context>[],
  given: Given<Context>,
  take: Take<Context, Target>,
  target: Target,
): Context {
  const { event } = given;
  let { context } = given;
  for (const { type, params, update } of actions) {
    if (update === undefined) take(target, type, params, context, event);
    else context = { ...context, ...update(context === given.context ? given : { context, event }, params) };
  }
  return context;
}

function snapshotIn<Context>({ status, value }: TableRow<Context>, context: Context): CompiledSnapshot<Context> {
  return { status, output: undefined, error: undefined, value, context };
}

function stopped<Context>({ value, context }: CompiledSnapshot<Context>): CompiledSnapshot<Context> {
  return { status: "stopped", output: undefined, error: undefined, value, context };
}
