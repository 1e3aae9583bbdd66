/** Items of an async iterable, collected in the background until the test leaves the block. */
export interface Hearing<Item> extends AsyncDisposable {
  readonly heard: readonly Item[];
  /** Settles when the iterable ends or fails. */
  readonly ended: Promise<void>;
  /** Aborts the iterable and waits for its end. Rejects if it failed. */
  stop(): Promise<void>;
}

export function hearing<Item>(tell: (signal: AbortSignal) => AsyncIterable<Item>): Hearing<Item> {
  const controller = new AbortController();
  const heard: Item[] = [];
  const ended = (async () => {
    for await (const item of tell(controller.signal)) heard.push(item);
  })();
  // A test that fails before it awaits `ended` reports its own error.
  const settled = ended.catch(() => undefined);
  return {
    heard,
    ended,
    stop() {
      controller.abort();
      return ended;
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await settled;
    },
  };
}
