import { isDeepStrictEqual } from "node:util";
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  createMachine,
  type EventObject,
  type ExecutableActionObject,
  type StateValue,
} from "xstate";
import type { CompiledSnapshot, CompiledStep } from "../../src/statechart/compiled-logic.ts";
import type { MachineTable } from "../../src/statechart/machine-table.ts";

/** Result of a start or an event: the next state, and the actions, each with the context that it receives. */
interface Step {
  readonly status: string;
  readonly value: StateValue;
  readonly context: unknown;
  readonly actions: readonly { readonly type: string; readonly params: unknown; readonly context: unknown }[];
}

/** Every step that XState takes from the given inputs with the given events. */
export interface ExploredSteps {
  readonly starts: readonly { readonly input: unknown; readonly to: Step }[];
  /** Distinct states, as far as guards can tell, each with the result of every event. */
  readonly places: readonly { readonly from: Step; readonly edges: readonly Edge[] }[];
}

interface Edge {
  readonly event: EventObject;
  readonly to: Step;
}

export interface MachineWorld {
  readonly inputs: readonly unknown[];
  readonly events: readonly EventObject[];
  /** Returns the parts of the context that guards read. Places with equal parts are explored once. */
  seen(context: unknown): unknown;
}

/** Returns functions that take XState's own steps and collect the actions instead of executing them. */
export function xstateSteps(machine: AnyStateMachine): {
  readonly begin: (input: unknown) => { readonly at: AnyMachineSnapshot; readonly to: Step };
  readonly step: (
    from: AnyMachineSnapshot,
    event: EventObject,
  ) => { readonly at: AnyMachineSnapshot; readonly to: Step };
} {
  const actor = createActor(createMachine({}));
  let actions: Step["actions"][number][] = [];
  const scope = {
    self: actor,
    id: actor.id,
    sessionId: actor.sessionId,
    system: actor.system,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: ({ type, params, info }: ExecutableActionObject) => {
      actions.push({ type, params, context: info.context });
    },
  };
  const arrived = (at: AnyMachineSnapshot): { at: AnyMachineSnapshot; to: Step } => {
    const to: Step = { status: at.status, value: at.value, context: at.context, actions };
    actions = [];
    return { at, to };
  };
  return {
    begin: (input) => arrived(machine.getInitialSnapshot(scope, input)),
    step: (from, event) => arrived(machine.transition(from, event, scope)),
  };
}

/** Explores every reachable place with XState, breadth first, and sends every event in each. */
export function exploreMachine(machine: AnyStateMachine, { inputs, events, seen }: MachineWorld): ExploredSteps {
  const xstate = xstateSteps(machine);
  const known = new Set<string>();
  const isNew = ({ value, context }: Step): boolean =>
    known.size < known.add(JSON.stringify([value, seen(context)])).size;
  const starts = inputs.map((input) => ({ input, ...xstate.begin(input) }));
  const places: ExploredSteps["places"][number][] = [];
  let frontier: { readonly at: AnyMachineSnapshot; readonly to: Step }[] = starts.filter(({ to }) => isNew(to));
  while (frontier.length > 0) {
    frontier = frontier.flatMap(({ at, to: from }) => {
      const edges = events.map((event) => ({ event, ...xstate.step(at, event) }));
      places.push({ from, edges });
      return edges.filter(({ to }) => isNew(to) && to.status === "active");
    });
  }
  return { starts, places };
}

interface Steppable {
  readonly table: MachineTable;
  begin(input: unknown): CompiledStep<unknown>;
  step(from: CompiledSnapshot<unknown>, event: EventObject): CompiledStep<unknown>;
}

/** Describes the first step in which the compiled logic differs from XState. Returns undefined if there is none. */
export function firstDifference({ starts, places }: ExploredSteps, logic: Steppable): string | undefined {
  const values = new Map(logic.table.leaves.map(({ value }) => [JSON.stringify(value), value]));
  for (const { input, to } of starts) {
    if (!isSame(to, logic.begin(input))) return `The start with ${JSON.stringify(input)}`;
  }
  for (const { from, edges } of places) {
    const value = values.get(JSON.stringify(from.value));
    if (value === undefined) return `The state ${JSON.stringify(from.value)}`;
    const at = { status: "active", output: undefined, error: undefined, value, context: from.context } as const;
    const different = edges.find(({ event, to }) => {
      const step = logic.step(at, event);
      const bothIgnoreIt = isIgnored(from, to) && step.snapshot === at && step.actions.length === 0;
      return !bothIgnoreIt && !isSame(to, step);
    });
    if (different !== undefined) {
      return `${JSON.stringify(different.event)} in ${JSON.stringify(from.value)} with ${JSON.stringify(from.context)}`;
    }
  }
  return undefined;
}

function isIgnored(from: Step, to: Step): boolean {
  return to.value === from.value && to.context === from.context && to.actions.length === 0;
}

function isSame(expected: Step, { snapshot: { status, value, context }, actions }: CompiledStep<unknown>): boolean {
  return isDeepStrictEqual({ status, value, context, actions }, expected);
}
