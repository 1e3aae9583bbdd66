import type { HistoryRecorder } from "../record/history-recorder.ts";
import type { Budget } from "./faults.ts";
import type { EffectOptions, RunEffect } from "./handler.ts";
import type { ScheduledOperation, Scheduler } from "./scheduler.ts";

/** The effects of the handlers. Each has an operation that begins it and one that ends it. */
export class Effects {
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  /** Failures of the effects that have begun. */
  readonly #failures = new Set<ScheduledOperation>();

  /** Number of effects that have yet to begin, by process. */
  readonly #waiting = new Map<string, number>();

  constructor(scheduler: Scheduler, budget: Budget) {
    this.#scheduler = scheduler;
    this.#budget = budget;
  }

  /** True if an effect of the process has yet to begin. */
  isWaiting(task: string): boolean {
    return (this.#waiting.get(task) ?? 0) > 0;
  }

  /** Returns the function that runs the effects of one process. */
  of(task: string, recorder: HistoryRecorder): RunEffect {
    const run = async (event: string, options: EffectOptions, act: () => unknown): Promise<unknown> => {
      const { name = "effect", fence, signal } = options;
      const label = `${name} of ${event}`;
      await this.#begin(task, label, signal);
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

  /**
   * Runs a transaction of a process. `commit` runs at once at its end, and never if it fails before. `onFailure` is called when the
   * process learns of a simulated failure.
   */
  async transaction(
    task: string,
    label: string,
    signal: AbortSignal | undefined,
    { commit, onFailure }: { readonly commit: () => Promise<unknown>; readonly onFailure: () => void },
  ): Promise<unknown> {
    await this.#begin(task, label, signal);
    return this.#end(task, label, commit, onFailure);
  }

  async #begin(task: string, label: string, signal: AbortSignal | undefined): Promise<void> {
    this.#waiting.set(task, (this.#waiting.get(task) ?? 0) + 1);
    await this.#scheduler.pause("effect begin", task, `${label} begins`);
    this.#waiting.set(task, (this.#waiting.get(task) ?? 0) - 1);
    signal?.throwIfAborted();
  }

  /** Returns the faults that may hit the effects that have begun. */
  faults(): readonly ScheduledOperation[] {
    if (!this.#budget.has("failing effect")) return [];
    return [...this.#failures].filter(({ task }) => this.#scheduler.isAwake(task));
  }

  /** Ends normally, or fails before or after the effect has happened. The caller cannot tell which. */
  #end(task: string, label: string, act: () => unknown, onFailure = nothing): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        cancel();
        for (const failure of failures) this.#failures.delete(failure);
      };
      const failing = (when: "before" | "after"): ScheduledOperation => ({
        kind: "fault",
        fault: "failing effect",
        task,
        label: `${label} fails ${when} it happened`,
        run: async () => {
          finish();
          this.#budget.spend("failing effect", task);
          if (when === "after") await attempt(act).catch(() => {});
          onFailure();
          reject(new Error(`Simulated: the ${label} failed ${when} it happened`));
        },
      });
      const failures = act === nothing ? [failing("before")] : [failing("before"), failing("after")];
      for (const failure of failures) this.#failures.add(failure);
      const run = (): void => {
        finish();
        resolve(attempt(act));
      };
      const cancel = this.#scheduler.add({ kind: "effect end", task, label: `${label} ends`, run });
    });
  }
}

const nothing = (): void => {};

async function attempt(act: () => unknown): Promise<unknown> {
  return act();
}
