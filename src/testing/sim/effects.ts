import type { HistoryRecorder } from "../record/recorder.ts";
import type { Budget } from "./faults.ts";
import type { EffectOptions, RunEffect } from "./handler.ts";
import type { Operation, Scheduler } from "./scheduler.ts";

/** What the handlers do to the world: each effect is an operation that begins it and one that ends it. */
export class Effects {
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  /** How those that have begun may fail. */
  readonly #failures = new Set<Operation>();

  constructor(scheduler: Scheduler, budget: Budget) {
    this.#scheduler = scheduler;
    this.#budget = budget;
  }

  /** Runs the effects of one process. */
  of(task: string, recorder: HistoryRecorder): RunEffect {
    const run = async (event: string, options: EffectOptions, act: () => unknown): Promise<unknown> => {
      const { name = "effect", fence, signal } = options;
      const label = `${name} of ${event}`;
      await this.#scheduler.pause(task, `${label} begins`);
      signal?.throwIfAborted();
      const known = { ...(fence === undefined ? {} : { fence }), ...(signal === undefined ? {} : { signal }) };
      return recorder.effect(event, known, () => this.#end(task, label, act), name);
    };
    function effect(event: string, options?: EffectOptions): Promise<void>;
    function effect<Value>(event: string, options: EffectOptions, act: () => Value): Promise<Awaited<Value>>;
    function effect(event: string, options: EffectOptions = {}, act: () => unknown = nothing): Promise<unknown> {
      return run(event, options, act);
    }
    return effect;
  }

  /** What may go wrong with the effects that have begun. */
  faults(): readonly Operation[] {
    if (!this.#budget.has("failing effect")) return [];
    return [...this.#failures].filter(({ task }) => this.#scheduler.isAwake(task));
  }

  /** Ends as it should; or fails, before or after it has happened: its caller cannot tell. */
  #end(task: string, label: string, act: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        takeBack();
        for (const failure of failures) this.#failures.delete(failure);
      };
      const failing = (when: "before" | "after"): Operation => ({
        task,
        label: `${label} fails ${when} it has happened`,
        run: async () => {
          over();
          this.#budget.spend("failing effect", task);
          if (when === "after") await attempt(act).catch(() => {});
          reject(new Error(`Simulated: the ${label} failed, ${when} it had happened`));
        },
      });
      const failures = act === nothing ? [failing("before")] : [failing("before"), failing("after")];
      for (const failure of failures) this.#failures.add(failure);
      const run = (): void => {
        over();
        resolve(attempt(act));
      };
      const takeBack = this.#scheduler.add({ task, label: `${label} ends`, run });
    });
  }
}

const nothing = (): void => {};

async function attempt(act: () => unknown): Promise<unknown> {
  return act();
}
