import { setMaxListeners } from "node:events";
import type { CliIo } from "./io.ts";

/** What Ctrl-C means to a run: the first one ends the reading and lets finish what runs, the second one aborts that. */
export class Interruption implements Disposable {
  readonly #drain = new AbortController();
  readonly #abort = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(io: CliIo, on: { readonly drain: () => void; readonly abort: () => void }) {
    // Every event under way listens, and leaves.
    setMaxListeners(0, this.#drain.signal, this.#abort.signal);
    this.#unsubscribe = io.onInterrupt(() => {
      if (this.#abort.signal.aborted) return;
      const [controller, tell] = this.#drain.signal.aborted ? [this.#abort, on.abort] : [this.#drain, on.drain];
      tell();
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
