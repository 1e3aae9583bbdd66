import { describe, expect, it } from "vitest";
import { DispatchSignal } from "../../../src/nats/consumer/dispatch-signal.ts";

describe("DispatchSignal", () => {
  it("does not read its sources before it is read", () => {
    const dispatching = new DispatchSignal(() => expect.unreachable());
    expect(() => dispatching.end()).not.toThrow();
  });

  it.each(["before", "after"])("aborts with the reason of a source that aborts %s the first read", (when) => {
    const stopping = new AbortController();
    const dispatching = new DispatchSignal(() => [new AbortController().signal, stopping.signal]);
    if (when === "after") expect(dispatching.signal.aborted).toBe(false);
    stopping.abort("stopped");
    expect(dispatching.signal.reason).toBe("stopped");
  });

  it.each(["before", "after"])("no longer follows its sources after its end, if first read %s it", (when) => {
    const stopping = new AbortController();
    const dispatching = new DispatchSignal(() => [stopping.signal]);
    if (when === "before") expect(dispatching.signal.aborted).toBe(false);
    dispatching.end();
    const { signal } = dispatching;
    stopping.abort("stopped");
    expect(signal.aborted).toBe(false);
  });
});
