import {
  type AnyStateMachine,
  type ContextFrom,
  createActor,
  type EventFrom,
  type InputFrom,
  type Snapshot,
  type StateValue,
} from "xstate";
import type { ActorSystem } from "./actor-system.ts";
import { compile } from "./compiled-logic.ts";
import { isAssign } from "./linked-table.ts";

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

const hostKey = Symbol("host");

interface Hosted {
  readonly [hostKey]: { readonly [Name in string]: Method };
}

/**
 * Binds each action of a machine to the host's method of the same name. Returns a function that creates an actor for a host.
 *
 * The actor runs the compiled machine. In an inspected system it runs the machine itself, so that XState's tools see every
 * microstep. The host's methods must not throw.
 */
export function bindActions<Machine extends AnyStateMachine, Updates extends string>(
  machine: Machine,
): (host: ActionMethods<Machine, Updates>, options: MachineActorOptions<Machine>) => MachineActor<Machine> {
  const names = Object.entries(machine.implementations.actions).flatMap(([name, action]) =>
    isAssign(action) ? [] : [name],
  );
  const bound = machine.provide({ actions: Object.fromEntries(names.map((name) => [name, callOf(name)])) });
  const compiled = compile(bound, execute);
  return (host, { id, input, system }) => {
    const logic = system.isInspected ? bound : compiled;
    return Object.assign(createActor(logic, { id, input, parent: system.nextParent() }), { [hostKey]: host });
  };
}

function callOf(name: string): (info: { readonly self: object; readonly context: unknown }, params: unknown) => void {
  return ({ self, context }, params) => execute(self, name, params, context);
}

function execute(self: object, name: string, params: unknown, context: unknown): void {
  const host = isHosted(self) ? self[hostKey] : undefined;
  const method = host?.[name];
  if (method === undefined) throw new TypeError(`The actor has no host that implements \`${name}\``);
  method.call(host, context, params);
}

function isHosted(self: object): self is Hosted {
  return hostKey in self;
}
