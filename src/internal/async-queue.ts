/** Values that arrive at any time, read one after the other; what arrives while nobody reads is kept. */
export class AsyncQueue<Value> {
  readonly #waiting: Value[] = [];
  #wake: () => void = () => {};

  push(value: Value): void {
    this.#waiting.push(value);
    this.#wake();
  }

  /** What arrives until `signal` aborts or the reader leaves; `done` is called then, and what was not read is dropped. */
  async *until(signal: AbortSignal, done: () => void): AsyncGenerator<Value, void, undefined> {
    const stop = (): void => this.#wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        const value = this.#waiting.shift();
        if (value === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else yield value;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      done();
    }
  }
}
