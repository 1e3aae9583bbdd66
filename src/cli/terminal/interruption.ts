import { setMaxListeners } from "node:events";
import type { CliIo } from "./io.ts";

/** Message after the first interruption. */
export const DRAINING = "Stopping: waiting for running dispatches. Press Ctrl-C again to abort them.\n";
/** Message after the second interruption. */
export const ABORTING = "Aborting.\n";

/** Two-stage interruption: the first signal drains, the second one aborts. */
export class Interruption implements Disposable {
  readonly #drain = new AbortController();
  readonly #abort = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(io: CliIo, on: { readonly drain: () => void; readonly abort: () => void }) {
    // One listener per event in flight.
    setMaxListeners(0, this.#drain.signal, this.#abort.signal);
    this.#unsubscribe = io.onInterrupt(() => {
      if (this.#abort.signal.aborted) return;
      const [controller, announce] = this.#drain.signal.aborted ? [this.#abort, on.abort] : [this.#drain, on.drain];
      announce();
      controller.abort();
    });
  }

  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  get abort(): AbortSignal {
    return this.#abort.signal;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }
}
