import {
  type AnyStateMachine,
  type ContextFrom,
  createActor,
  type EventFrom,
  type InputFrom,
  type Snapshot,
  type StateValue,
} from "xstate";
import { isObject } from "../internal/is-object.ts";
import type { ActorSystem } from "./actor-system.ts";
import { type Compilable, compile } from "./compiled-logic.ts";
import { isAssign } from "./linked-table.ts";
import { type StateConfig, stateTree } from "./state-tree.ts";

type ProvidedActions<Machine extends AnyStateMachine> = NonNullable<Parameters<Machine["provide"]>[0]["actions"]>;

type ParamsOf<Action> = Action extends (args: never, params: infer Params) => void ? Params : undefined;

/**
 * A machine's actions as methods of a host, called with the machine's context and the action's parameters.
 * `Updates` names the actions that only assign context: the machine implements them itself.
 */
export type ActionMethods<Machine extends AnyStateMachine, Updates extends string> = {
  readonly [Name in Exclude<keyof ProvidedActions<Machine> & string, Updates>]: (
    context: ContextFrom<Machine>,
    params: ParamsOf<NonNullable<ProvidedActions<Machine>[Name]>>,
  ) => void;
};

/** An XState actor that runs a machine or its compiled form. */
export interface MachineActor<Machine extends AnyStateMachine> {
  start(): unknown;
  send(event: EventFrom<Machine>): void;
  getSnapshot(): Pick<Snapshot<unknown>, "status"> & {
    readonly value: StateValue;
    readonly context: ContextFrom<Machine>;
  };
}

export interface MachineActorOptions<Machine extends AnyStateMachine> {
  /** Name of the actor in inspection events. */
  readonly id: string;
  readonly input: InputFrom<Machine>;
  readonly system: ActorSystem;
}

/** As a method, so that a host's narrower parameters are assignable. */
type Method = { call(context: unknown, params: unknown): void }["call"];

/** A machine as plain data: XState's configuration, and the functions that it names. */
interface Chart<Context> extends Omit<Compilable<Context>, "root"> {
  readonly config: StateConfig & Compilable<Context>["config"];
}

const hostKey = Symbol("host");

interface Hosted {
  readonly [hostKey]: { readonly [Name in string]: Method };
}

/**
 * Binds each action of a machine to the host's method of the same name. Returns a function that creates an actor for a host.
 *
 * The actor runs the compiled chart. In an inspected system it runs the system's machine, made from the same chart, so that XState's
 * tools see every microstep. The host's methods must not throw.
 */
export function bindActions<Machine extends AnyStateMachine, Updates extends string>(
  chart: Chart<ContextFrom<Machine>>,
): (host: ActionMethods<Machine, Updates>, options: MachineActorOptions<Machine>) => MachineActor<Machine> {
  const { guards, actions } = chart.implementations;
  const names = Object.entries(actions).flatMap(([name, action]) => (isAssign(action) ? [] : [name]));
  const calls = Object.fromEntries(names.map((name) => [name, callOf(name)]));
  const implementations = { guards, actions: { ...actions, ...calls } };
  const compiled = compile<Machine>({ ...chart, implementations, root: stateTree(chart.id, chart.config) }, execute);
  const boundMachines = new WeakMap<AnyStateMachine, AnyStateMachine>();
  const bind = (machine: AnyStateMachine): AnyStateMachine => {
    const bound = boundMachines.get(machine) ?? machine.provide({ actions: calls });
    boundMachines.set(machine, bound);
    return bound;
  };
  return (host, { id, input, system }) => {
    const { inspectedMachine } = system;
    const logic = inspectedMachine === undefined ? compiled : bind(inspectedMachine);
    return Object.assign(createActor(logic, { id, input, parent: system.nextParent() }), { [hostKey]: host });
  };
}

function callOf(name: string): (info: { readonly self: unknown; readonly context: unknown }, params: unknown) => void {
  return ({ self, context }, params) => execute(self, name, params, context);
}

function execute(self: unknown, name: string, params: unknown, context: unknown): void {
  const host = isHosted(self) ? self[hostKey] : undefined;
  const method = host?.[name];
  if (method === undefined) throw new TypeError(`The actor has no host that implements \`${name}\``);
  method.call(host, context, params);
}

function isHosted(self: unknown): self is Hosted {
  return isObject(self) && hostKey in self;
}
