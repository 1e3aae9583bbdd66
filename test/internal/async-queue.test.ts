import { describe, expect, it } from "vitest";
import { AsyncQueue } from "../../src/internal/async-queue.ts";

/** Reads all there is, into a list that can be looked at meanwhile. */
function reading<Value>(values: AsyncIterable<Value>): { readonly read: Value[]; readonly ended: Promise<void> } {
  const read: Value[] = [];
  const ended = (async () => {
    for await (const value of values) read.push(value);
  })();
  return { read, ended };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a channel", () => {
  it("gives what arrived before and while it is read, once and in order", async () => {
    const channel = new AsyncQueue<number>();
    const stop = new AbortController();
    channel.push(1);
    channel.push(2);
    const { read, ended } = reading(channel.until(stop.signal, () => {}));
    await turn();
    expect(read).toEqual([1, 2]);
    channel.push(3);
    channel.push(4);
    await turn();
    channel.push(5);
    await turn();
    expect(read).toEqual([1, 2, 3, 4, 5]);
    stop.abort();
    await ended;
  });

  it("ends when the signal aborts, while it waits and while it is read, and calls `done` once", async () => {
    let done = 0;
    const channel = new AsyncQueue<number>();
    const stop = new AbortController();
    const waiting = reading(channel.until(stop.signal, () => (done += 1)));
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

  it("does not begin with a signal that has aborted before", async () => {
    let done = 0;
    const channel = new AsyncQueue<number>();
    channel.push(1);
    const { read, ended } = reading(channel.until(AbortSignal.abort(), () => (done += 1)));
    await ended;
    expect(read).toEqual([]);
    expect(done).toBe(1);
  });

  it("calls `done` when its reader leaves, or fails", async () => {
    let done = 0;
    const { signal } = new AbortController();
    const channel = new AsyncQueue<number>();
    channel.push(1);
    for await (const _ of channel.until(signal, () => (done += 1))) break;
    expect(done).toBe(1);
    channel.push(2);
    const failing = async (): Promise<void> => {
      for await (const _ of channel.until(signal, () => (done += 1))) throw new Error("no");
    };
    await expect(failing()).rejects.toThrow("no");
    expect(done).toBe(2);
  });
});
