import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../../src/internal/async-queue.ts";

/** Collects all values into a list that a test can read at any time. */
function reading<Value>(values: AsyncIterable<Value>): { readonly read: Value[]; readonly ended: Promise<void> } {
  const read: Value[] = [];
  const ended = (async () => {
    for await (const value of values) read.push(value);
  })();
  return { read, ended };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("an async queue", () => {
  it("yields values that arrive before and during the iteration, once and in order", async () => {
    const queue = new AsyncQueue<number>();
    const stop = new AbortController();
    queue.push(1);
    queue.push(2);
    const { read, ended } = reading(queue.until(stop.signal, () => {}));
    await turn();
    expect(read).toEqual([1, 2]);
    queue.push(3);
    queue.push(4);
    await turn();
    queue.push(5);
    await turn();
    expect(read).toEqual([1, 2, 3, 4, 5]);
    stop.abort();
    await ended;
  });

  it("ends when the signal aborts, while it waits or yields, and calls `done` once", async () => {
    let done = 0;
    const queue = new AsyncQueue<number>();
    const stop = new AbortController();
    const waiting = reading(queue.until(stop.signal, () => (done += 1)));
    await turn();
    expect(done).toBe(0);
    stop.abort();
    await waiting.ended;
    expect(done).toBe(1);

    const other = new AsyncQueue<number>();
    const stopOther = new AbortController();
    other.push(1);
    other.push(2);
    const read: number[] = [];
    for await (const value of other.until(stopOther.signal, () => (done += 1))) {
      read.push(value);
      stopOther.abort();
    }
    expect(read).toEqual([1]);
    expect(done).toBe(2);
  });

  it("yields nothing with an aborted signal", async () => {
    let done = 0;
    const queue = new AsyncQueue<number>();
    queue.push(1);
    const { read, ended } = reading(queue.until(AbortSignal.abort(), () => (done += 1)));
    await ended;
    expect(read).toEqual([]);
    expect(done).toBe(1);
  });

  it("calls `done` when its reader breaks or throws", async () => {
    let done = 0;
    const { signal } = new AbortController();
    const queue = new AsyncQueue<number>();
    queue.push(1);
    for await (const _ of queue.until(signal, () => (done += 1))) break;
    expect(done).toBe(1);
    queue.push(2);
    const failing = async (): Promise<void> => {
      for await (const _ of queue.until(signal, () => (done += 1))) throw new Error("no");
    };
    await expect(failing()).rejects.toThrow("no");
    expect(done).toBe(2);
  });
});
