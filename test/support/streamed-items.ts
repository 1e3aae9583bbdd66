/** Items of an async iterable, collected in the background until disposal. */
export interface StreamedItems<Item> extends AsyncDisposable {
  readonly items: readonly Item[];
  /** Settles when the iterable ends or fails. */
  readonly ended: Promise<void>;
  /** Aborts the iterable and waits for its end. Rejects if it failed. */
  stop(): Promise<void>;
}

export function streamedItems<Item>(stream: (signal: AbortSignal) => AsyncIterable<Item>): StreamedItems<Item> {
  const controller = new AbortController();
  const items: Item[] = [];
  const ended = (async () => {
    for await (const item of stream(controller.signal)) items.push(item);
  })();
  // A test that fails before it awaits `ended` reports its own error.
  const settled = ended.catch(() => undefined);
  return {
    items,
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
