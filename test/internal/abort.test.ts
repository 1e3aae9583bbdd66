import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { linkedSignal } from "../../src/internal/abort.ts";

describe("a linked signal", () => {
  it.each([0, 1])("aborts with the reason of source %d", (index) => {
    const sources = [new AbortController(), new AbortController()];
    const { signal } = linkedSignal(...sources.map((source) => source.signal));
    expect(signal.aborted).toBe(false);
    const reason = new Error("stop");
    sources[index]?.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it("is aborted from the start if a source was", () => {
    const reason = new Error("stop");
    const { signal } = linkedSignal(new AbortController().signal, AbortSignal.abort(reason));
    expect(signal.reason).toBe(reason);
  });

  it("leaves no listener at its sources once it is unlinked, although a handler left one at the linked signal", () => {
    const source = new AbortController();
    for (let delivery = 0; delivery < 100; delivery += 1) {
      const { signal, unlink } = linkedSignal(source.signal);
      signal.addEventListener("abort", () => {});
      unlink();
    }
    expect(getEventListeners(source.signal, "abort")).toEqual([]);
    const { signal, unlink } = linkedSignal(source.signal);
    unlink();
    source.abort();
    expect(signal.aborted).toBe(false);
  });
});
