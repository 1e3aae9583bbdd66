import type { HistoryRecorder } from "../record/recorder.ts";
import type { Budget } from "./faults.ts";
import type { EffectOptions, RunEffect } from "./handler.ts";
import type { Operation, Scheduler } from "./scheduler.ts";

/** The effects of the handlers. Each has an operation that begins it and one that ends it. */
export class Effects {
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  /** Failures of the effects that have begun. */
  readonly #failures = new Set<Operation>();

  constructor(scheduler: Scheduler, budget: Budget) {
    this.#scheduler = scheduler;
    this.#budget = budget;
  }

  /** Returns the function that runs the effects of one process. */
  of(task: string, recorder: HistoryRecorder): RunEffect {
    const run = async (event: string, options: EffectOptions, act: () => unknown): Promise<unknown> => {
      const { name = "effect", fence, signal } = options;
      const label = `${name} of ${event}`;
      await this.#scheduler.pause(task, `${label} begins`);
      signal?.throwIfAborted();
      const reservation = { ...(fence === undefined ? {} : { fence }), ...(signal === undefined ? {} : { signal }) };
      return recorder.effect(event, reservation, () => this.#end(task, label, act), name);
    };
    function effect(event: string, options?: EffectOptions): Promise<void>;
    function effect<Value>(event: string, options: EffectOptions, act: () => Value): Promise<Awaited<Value>>;
    function effect(event: string, options: EffectOptions = {}, act: () => unknown = nothing): Promise<unknown> {
      return run(event, options, act);
    }
    return effect;
  }

  /** Returns the faults that may hit the effects that have begun. */
  faults(): readonly Operation[] {
    if (!this.#budget.has("failing effect")) return [];
    return [...this.#failures].filter(({ task }) => this.#scheduler.isAwake(task));
  }

  /** Ends normally, or fails before or after the effect has happened. The caller cannot tell which. */
  #end(task: string, label: string, act: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        cancel();
        for (const failure of failures) this.#failures.delete(failure);
      };
      const failing = (when: "before" | "after"): Operation => ({
        task,
        label: `${label} fails ${when} it happened`,
        run: async () => {
          finish();
          this.#budget.spend("failing effect", task);
          if (when === "after") await attempt(act).catch(() => {});
          reject(new Error(`Simulated: the ${label} failed ${when} it happened`));
        },
      });
      const failures = act === nothing ? [failing("before")] : [failing("before"), failing("after")];
      for (const failure of failures) this.#failures.add(failure);
      const run = (): void => {
        finish();
        resolve(attempt(act));
      };
      const cancel = this.#scheduler.add({ task, label: `${label} ends`, run });
    });
  }
}

const nothing = (): void => {};

async function attempt(act: () => unknown): Promise<unknown> {
  return act();
}
