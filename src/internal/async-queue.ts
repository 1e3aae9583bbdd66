/** A queue of values that one reader iterates over asynchronously. */
export class AsyncQueue<Value> {
  readonly #waiting: Value[] = [];
  #wake: () => void = () => {};

  push(value: Value): void {
    this.#waiting.push(value);
    this.#wake();
  }

  /** Yields values until `signal` aborts or the reader stops. Then calls `done` and drops unread values. */
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
