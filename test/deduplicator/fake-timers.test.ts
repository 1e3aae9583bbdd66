import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { event, unseen } from "../support/replicas.ts";

describe("under `vi.useFakeTimers()`", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("a lease ends when the fake time passes it", async () => {
    const dedup = new Deduplicator({ store: memoryStore(), renew: false });
    const { signal } = await unseen(dedup.reserve(event));
    await vi.advanceTimersByTimeAsync(29_999);
    expect(signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal.reason).toMatchObject({ reason: "lease-ended" });
  });

  it("a window ends when the fake time passes it", async () => {
    const dedup = new Deduplicator({ store: memoryStore(), windowMs: 60_000 });
    await dedup.guard(event, () => {});
    await vi.advanceTimersByTimeAsync(59_999);
    expect(await dedup.guard(event, () => {})).toMatchObject({ outcome: "duplicate" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await dedup.guard(event, () => {})).toMatchObject({ outcome: "dispatched" });
  });

  it("`runAllTimersAsync` ends without renewal", async () => {
    const dedup = new Deduplicator({ store: memoryStore(), renew: false });
    const { signal } = await unseen(dedup.reserve(event));
    await vi.runAllTimersAsync();
    expect(signal.aborted).toBe(true);
  });
});
