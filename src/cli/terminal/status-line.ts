import type { Clock } from "../../internal/clock.ts";
import type { Sink } from "./io.ts";

const REDRAW_MS = 100;
const CLEAR = "\r\u001b[2K";

/** A status line at the bottom of a terminal, redrawn below other output. Writes nothing if the sink is not a terminal. */
export class StatusLine implements AsyncDisposable {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #text: () => string;
  #isShown = false;
  #isAtLineStart = true;
  #cancel: (() => void) | undefined;

  constructor(sink: Sink, clock: Clock, text: () => string) {
    this.#sink = sink;
    this.#clock = clock;
    this.#text = text;
    if (sink.isTerminal) this.#schedule();
  }

  /** Writes text above the status line. */
  async print(text: string): Promise<void> {
    const clear = this.#isShown ? CLEAR : "";
    this.#isShown = false;
    this.#isAtLineStart = text.endsWith("\n");
    await this.#sink.write(clear + text);
  }

  /** Erases the status line. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel?.();
    if (this.#isShown) await this.print("");
  }

  #schedule(): void {
    this.#cancel = this.#clock.schedule(REDRAW_MS, () => {
      this.#draw();
      this.#schedule();
    });
  }

  #draw(): void {
    // A command may continue the line of output it began.
    if (!this.#isAtLineStart) return;
    this.#isShown = true;
    void this.#sink.write(CLEAR + this.#text().slice(0, Math.max(this.#sink.columns - 1, 1)));
  }
}
