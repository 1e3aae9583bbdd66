import { setMaxListeners } from "node:events";
import type { CliIo, InterruptionCause } from "./io.ts";

/** Message after the first interruption, by its cause. */
export const DRAINING: Readonly<Record<InterruptionCause, string>> = {
  signal: "Stopping: waiting for running dispatches. Press Ctrl-C again, or send a second signal, to abort them.\n",
  "output-closed": "Stopping: the reader of standard output is gone. Waiting for running dispatches.\n",
};
/** Message after the second interruption. */
export const ABORTING = "Aborting.\n";

/** Two-stage interruption: the first signal drains, the second one aborts. */
export class Interruption implements Disposable {
  readonly #drain = new AbortController();
  readonly #abort = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(
    io: Pick<CliIo, "onInterrupt">,
    on: { readonly drain?: (cause: InterruptionCause) => void; readonly abort?: () => void } = {},
  ) {
    // One listener per event in flight.
    setMaxListeners(0, this.#drain.signal, this.#abort.signal);
    this.#unsubscribe = io.onInterrupt((cause) => {
      if (this.#abort.signal.aborted) return;
      if (this.#drain.signal.aborted) {
        // Ctrl-C also ends the reader of a pipe.
        if (cause === "output-closed") return;
        on.abort?.();
        this.#abort.abort();
      } else {
        on.drain?.(cause);
        this.#drain.abort();
      }
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
