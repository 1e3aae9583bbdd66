import { isDeepStrictEqual } from "node:util";
import type { StateValue } from "xstate";
import type { DedupKeyContext, DedupKeyEvent } from "../../machines/dedup-key.ts";
import type { dedupKeyMachine } from "../../machines/index.ts";
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

/** State of the machine, without the parts of the context that no step depends on. */
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

/** A transition as XState defines it: one guarded branch. */
export type Transition = ReturnType<Machine["getTransitionData"]>[number];

/** Values of the context fields that the model check omits. No step may depend on them. */
const OMITTED = { attempt: 1, fence: 0, expected: 0, claims: 1 };
const OMITTED_ALTERNATIVE = { attempt: 3, fence: 4, expected: 5, claims: 9 };

/**
 * The dedup-key machine as the model check steps it. XState and the compiled table both take each step, and must agree. Each
 * distinct step is taken once and cached.
 *
 * A place omits the attempt and the fence. It also omits the claims and the expected revision once no claim can follow. Each step is
 * repeated with other values of the omitted fields, and must have the same result.
 */
export class SteppedMachine {
  readonly machine: Machine;
  readonly #mayDispatchUnprotected: boolean;
  readonly #xstate: ReturnType<typeof xstateSteps>;
  readonly #compiled: CompiledLogic<DedupKeyContext, DedupKeyEvent, Parameters<typeof Object>[0]>;
  readonly #leaves: ReadonlyMap<StateValue, string>;
  readonly #values: ReadonlyMap<string, StateValue>;
  readonly #known = new Map<string, Step>();
  /** Transitions taken, by innermost state. */
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

  /** Number of distinct steps taken. */
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
    const step = this.#take(place, event, OMITTED);
    const otherwise = this.#take(place, event, OMITTED_ALTERNATIVE);
    if (!isDeepStrictEqual(essentials(step), essentials(otherwise))) {
      throw new Error(`${event.type} in ${place.leaf} depends on a field that the model check omits`);
    }
    this.#known.set(key, step);
    return step;
  }

  #take({ leaf, context }: Place, event: DedupKeyEvent, omitted: typeof OMITTED): Step {
    const value = this.#values.get(leaf);
    if (value === undefined) throw new Error(`The machine has no state ${leaf}`);
    const whole = {
      ...context,
      ...omitted,
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
    const { expected, claims } = mayClaim(leaf) ? context : OMITTED;
    return {
      place: { leaf, context: { claims, expected, revision, newest, inDoubt, unprotected } },
      isDone: status === "done",
      actions,
    };
  }

  #mustAgree(what: string, xstate: unknown, { snapshot, actions }: CompiledStep<DedupKeyContext>): void {
    const { status, value, context }: CompiledSnapshot<DedupKeyContext> = snapshot;
    if (isDeepStrictEqual(xstate, { status, value, context, actions })) return;
    throw new Error(`${what}: XState and the compiled table disagree`);
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
