import { isDeepStrictEqual } from "node:util";
import type { StateValue } from "xstate";
import type { DedupKeyContext, DedupKeyEvent, dedupKeyMachine } from "../../machines/dedup-key.ts";
import {
  type CompiledLogic,
  type CompiledSnapshot,
  type CompiledStep,
  compile,
} from "../../src/statechart/compiled-logic.ts";
import { xstateSteps } from "../support/machine-steps.ts";

export type Machine = typeof dedupKeyMachine;

/** Parts of the machine's context that a guard reads or a later write expects. */
export type Context = Pick<DedupKeyContext, "claims" | "expected" | "revision" | "newest" | "inDoubt" | "unprotected">;

/** State of a machine. */
export interface Place {
  /** XState's id of the innermost state: `dedupKey.reserved.committing.writing`. */
  readonly leaf: string;
  readonly context: Context;
}

export interface Step {
  readonly place: Place;
  readonly isDone: boolean;
  readonly actions: CompiledStep<DedupKeyContext>["actions"];
}

/** A transition of XState: one branch of the guards. */
export type Transition = ReturnType<Machine["getTransitionData"]>[number];

/** Replaces the parts of a context that the model check leaves out. Nothing may depend on them. */
const LEFT_OUT = { attempt: 1, fence: 0, expected: 0, claims: 1 };
const LEFT_OUT_OTHERWISE = { attempt: 3, fence: 4, expected: 5, claims: 9 };

/**
 * The machine of a key, as the model check steps it: as XState itself does, with one scope for all steps, and as the compiled
 * table does; the two must agree. Steps are remembered: each is taken once, however often it is come by.
 *
 * The attempt and the fence are left out of a place, and so are the claims and what the next one expects when none can follow. Each step
 * is taken with others in their stead as well, and must lead to the same.
 */
export class SteppedMachine {
  readonly machine: Machine;
  readonly #mayDispatchUnprotected: boolean;
  readonly #xstate: ReturnType<typeof xstateSteps>;
  readonly #compiled: CompiledLogic<DedupKeyContext, DedupKeyEvent, Parameters<typeof Object>[0]>;
  readonly #leaves: ReadonlyMap<StateValue, string>;
  readonly #values: ReadonlyMap<string, StateValue>;
  readonly #known = new Map<string, Step>();
  /** By leaf: what was taken from there. */
  readonly reached = new Map<string, Set<Transition>>();

  constructor(machine: Machine, mayDispatchUnprotected: boolean) {
    this.machine = machine;
    this.#mayDispatchUnprotected = mayDispatchUnprotected;
    this.#xstate = xstateSteps(machine);
    this.#compiled = compile(machine);
    const { leaves } = this.#compiled.table;
    this.#leaves = new Map(leaves.map(({ id, value }) => [value, id]));
    this.#values = new Map(leaves.map(({ id, value }) => [id, value]));
  }

  /** Number of different steps taken. */
  get steps(): number {
    return this.#known.size;
  }

  begin(): Step {
    const input = { mayDispatchUnprotected: this.#mayDispatchUnprotected, attempt: 1 };
    const step = this.#compiled.begin(input);
    this.#mustAgree("the start", this.#xstate.begin(input).to, step);
    return this.#read(step);
  }

  step(place: Place, event: DedupKeyEvent): Step {
    const key = JSON.stringify([place, event]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const step = this.#take(place, event, LEFT_OUT);
    const otherwise = this.#take(place, event, LEFT_OUT_OTHERWISE);
    if (!isDeepStrictEqual(essentials(step), essentials(otherwise))) {
      throw new Error(`${event.type} in ${place.leaf} depends on what the model check leaves out`);
    }
    this.#known.set(key, step);
    return step;
  }

  #take({ leaf, context }: Place, event: DedupKeyEvent, leftOut: typeof LEFT_OUT): Step {
    const value = this.#values.get(leaf);
    if (value === undefined) throw new Error(`The machine has no state ${leaf}`);
    const whole = {
      ...context,
      ...leftOut,
      ...(mayClaim(leaf) ? { expected: context.expected, claims: context.claims } : {}),
      mayDispatchUnprotected: this.#mayDispatchUnprotected,
    };
    const step = this.#compiled.step(
      { status: "active", output: undefined, error: undefined, value, context: whole },
      event,
    );
    const at = this.machine.resolveState({ value, context: whole });
    this.#mustAgree(`${JSON.stringify(event)} in ${leaf}`, this.#xstate.step(at, event).to, step);
    const reached = this.reached.get(leaf) ?? new Set();
    for (const transition of this.machine.getTransitionData(at, event)) reached.add(transition);
    this.reached.set(leaf, reached);
    return this.#read(step);
  }

  #read({ snapshot: { value, status, context }, actions }: CompiledStep<DedupKeyContext>): Step {
    const leaf = this.#leaves.get(value);
    if (leaf === undefined) throw new Error(`The machine has no state ${JSON.stringify(value)}`);
    const { revision, newest, inDoubt, unprotected } = context;
    const { expected, claims } = mayClaim(leaf) ? context : LEFT_OUT;
    return {
      place: { leaf, context: { claims, expected, revision, newest, inDoubt, unprotected } },
      isDone: status === "done",
      actions,
    };
  }

  #mustAgree(what: string, xstate: unknown, { snapshot, actions }: CompiledStep<DedupKeyContext>): void {
    const { status, value, context }: CompiledSnapshot<DedupKeyContext> = snapshot;
    if (isDeepStrictEqual(xstate, { status, value, context, actions })) return;
    throw new Error(`${what}: XState and the compiled table go different ways`);
  }
}

export function mayClaim(leaf: string): boolean {
  return leaf.startsWith("dedupKey.unseen");
}

function essentials({ place, isDone, actions }: Step): unknown {
  const done = actions.map(({ type, params, context }) => {
    const { revision, newest, inDoubt, unprotected } = context;
    return {
      type,
      params,
      revision,
      newest,
      inDoubt,
      unprotected,
      expected: mayClaim(place.leaf) ? context.expected : 0,
    };
  });
  return { place, isDone, done };
}
