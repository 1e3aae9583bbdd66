import type { EventObject } from "xstate";
import type { CompiledLogic, CompiledSnapshot } from "./compiled-logic.ts";
import type { Action } from "./linked-table.ts";

/**
 * Does what XState's actor does with compiled logic, but for those who inspect, subscribe or supervise: has the effects done, one
 * event at a time. One that is sent while another is taken waits until that is done; one that comes when all is over is dropped.
 */
export class PlainActor<Context, Event extends EventObject, Input> {
  readonly #logic: CompiledLogic<Context, Event, Input>;
  /** What effects are given as `self`. */
  readonly #self: object;
  #snapshot: CompiledSnapshot<Context>;
  #first: Due<Context>[] = [];
  #waiting: Event[] | undefined;
  #isBusy = true;

  constructor(logic: CompiledLogic<Context, Event, Input>, input: Input, self: object) {
    this.#logic = logic;
    this.#self = self;
    this.#snapshot = logic.beginWith(input, postpone, this.#first);
  }

  getSnapshot(): CompiledSnapshot<Context> {
    return this.#snapshot;
  }

  /** Has the effects of the beginning done; until then events wait. */
  start(): void {
    for (const { action, context, event } of this.#first) perform(action, context, event, this.#self);
    this.#first = [];
    this.#goOn();
  }

  send(event: Event): void {
    if (this.#isBusy) {
      this.#waiting ??= [];
      this.#waiting.push(event);
    } else {
      this.#take(event);
      if (this.#waiting !== undefined) this.#goOn();
    }
  }

  #take(event: Event): void {
    this.#isBusy = true;
    try {
      this.#snapshot = this.#logic.stepWith(this.#snapshot, event, perform, this.#self);
    } finally {
      this.#isBusy = false;
    }
  }

  #goOn(): void {
    const waiting = this.#waiting ?? [];
    this.#isBusy = false;
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) this.#take(event);
    this.#waiting = undefined;
  }
}

interface Due<Context> {
  readonly action: Action<Context>;
  readonly context: Context;
  readonly event: EventObject;
}

function postpone<Context>(action: Action<Context>, context: Context, event: EventObject, to: Due<Context>[]): void {
  to.push({ action, context, event });
}

function perform<Context>(
  { effect, params }: Action<Context>,
  context: Context,
  event: EventObject,
  self: object,
): void {
  effect?.({ context, event, self, system: undefined }, params);
}
