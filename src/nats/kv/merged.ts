import { AsyncQueue } from "../../internal/async-queue.ts";

/** What several sources tell, as it comes, until the signal aborts. Fails as soon as one of them does, and ends the others. */
export async function* merged<Value>(
  sources: ReadonlyArray<(signal: AbortSignal) => AsyncIterable<Value>>,
  signal: AbortSignal,
): AsyncGenerator<Value, void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const channel = new AsyncQueue<Value>();
  const failures: unknown[] = [];
  const readers = sources.map(async (open) => {
    try {
      for await (const value of open(either)) channel.push(value);
    } catch (error) {
      failures.push(error);
      over.abort();
    }
  });
  try {
    yield* channel.until(either, () => {});
  } finally {
    over.abort();
    await Promise.all(readers);
  }
  if (failures.length > 0) throw failures[0];
}
