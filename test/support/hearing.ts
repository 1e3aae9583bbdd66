/** What is told one by one, gathered in the background until the test leaves the block that has it. */
export interface Hearing<Item> extends AsyncDisposable {
  readonly heard: readonly Item[];
  /** How it ended by itself. */
  readonly ended: Promise<void>;
  /** Tells it to end, and waits until it has; rejects when it failed. */
  stop(): Promise<void>;
}

export function hearing<Item>(tell: (signal: AbortSignal) => AsyncIterable<Item>): Hearing<Item> {
  const controller = new AbortController();
  const heard: Item[] = [];
  const ended = (async () => {
    for await (const item of tell(controller.signal)) heard.push(item);
  })();
  // A test that fails before it comes to `ended` says itself what is wrong.
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
