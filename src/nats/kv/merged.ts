import { linkedSignal } from "../../internal/abort.ts";
import { AsyncQueue } from "../../internal/async-queue.ts";

/** Yields the values of several sources as they arrive, until the signal aborts. If one source fails, ends the others and throws. */
export async function* merged<Value>(
  sources: ReadonlyArray<(signal: AbortSignal) => AsyncIterable<Value>>,
  signal: AbortSignal,
): AsyncGenerator<Value, void> {
  const over = new AbortController();
  const { signal: either, unlink } = linkedSignal(signal, over.signal);
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
    unlink();
    await Promise.all(readers);
  }
  if (failures.length > 0) throw failures[0];
}
