import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { HistoryLine } from "../../../src/history/history.ts";
import { formatHistory, parseHistory } from "../../../src/history/history-text.ts";
import { Deduplicator, memoryStore, type Store } from "../../../src/index.ts";
import { checkHistory } from "../../../src/testing/judge/check-history.ts";
import type { HistoryRecorder } from "../../../src/testing/record/history-recorder.ts";
import { recordHistory } from "../../../src/testing/record/recorder.ts";
import { answerLost, FaultyStore, outage } from "../../support/faulty-store.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const identity = { subscriptionId: "sub", eventId: "E1" };

/** Returns a process whose actions are recorded in `lines`. */
function recorded(
  store: Store,
  owner: string,
  lines: HistoryLine[],
): { dedup: Deduplicator; recorder: HistoryRecorder } {
  const recorder = recordHistory({ process: owner, write: (line) => lines.push(line) });
  return { recorder, dedup: new Deduplicator({ store: recorder.store(store), owner }) };
}

const types = (lines: readonly HistoryLine[]): readonly string[] => lines.map(({ type }) => type);

describe("recordHistory", () => {
  it("records the actions of a process in a form that can be parsed and judged", async () => {
    const lines: HistoryLine[] = [];
    const { dedup, recorder } = recorded(memoryStore(), "R1", lines);
    recorder.note({ type: "delivered", event: "E1", delivery: 1 });
    const outcome = await dedup.guard(identity, (reservation) =>
      recorder.effect("E1", reservation, async () => "done"),
    );
    expect(outcome).toMatchObject({ outcome: "dispatched", value: "done" });
    recorder.note({ type: "answered", event: "E1", delivery: 1, answer: "acknowledged", because: "dispatched" });
    expect(types(lines)).toEqual([
      "history",
      "delivered",
      "invoke",
      "ok",
      "effect.began",
      "effect.ended",
      "invoke",
      "ok",
      "answered",
    ]);
    expect(lines[2]).toMatchObject({ operation: "reserve", event: "E1", expected: 0, fence: 0, leaseMs: 30_000 });
    expect(lines[6]).toMatchObject({ operation: "commit", event: "E1", expected: 1, fence: 1, ttlMs: 86_400_000 });
    expect(parseHistory(formatHistory(lines))).toEqual(lines);
    expect(checkHistory(lines)).toEqual([]);
  });

  it("distinguishes conflicts, refusals and unknown results", async () => {
    const lines: HistoryLine[] = [];
    const memory = memoryStore();
    const store = new FaultyStore(memory, new SimulatedClock());
    const { dedup } = recorded(store, "R1", lines);
    await new Deduplicator({ store: memory }).guard(identity, () => {});
    expect(await dedup.reserve(identity)).toMatchObject({ decision: "duplicate" });
    store.script("put", outage);
    await expect(dedup.reserve({ ...identity, eventId: "E2" })).rejects.toThrow(StoreUnavailableError);
    store.script("put", answerLost);
    await dedup.reserve({ ...identity, eventId: "E3" });
    const endings = lines.filter(({ type }) => type === "ok" || type === "fail" || type === "unknown");
    expect(endings).toMatchObject([
      { type: "fail", because: "conflict", revision: 2 },
      { type: "fail", because: "refused" },
      { type: "unknown" },
      { type: "fail", because: "conflict" },
    ]);
    await dedup.close({ drainMs: 0 });
  });

  it("records when the signal of an effect fires, and that the effect failed", async () => {
    const lines: HistoryLine[] = [];
    const recorder = recordHistory({
      process: "R1",
      clock: "mine",
      monotonicMs: () => 1,
      write: (line) => lines.push(line),
    });
    const controller = new AbortController();
    const failing = recorder.effect("E1", { signal: controller.signal, fence: 3 }, async () => {
      controller.abort();
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(types(lines)).toEqual(["history", "effect.began", "effect.aborted", "effect.ended"]);
    expect(lines[3]).toEqual({ atMs: 1, process: "R1", type: "effect.ended", event: "E1", effect: 1, failed: true });
    await recorder.effect("E1", { signal: controller.signal }, async () => {}, "late");
    expect(types(lines.slice(4))).toEqual(["effect.began", "effect.aborted", "effect.ended"]);
  });

  it("keeps the optional methods of a store", async () => {
    const lines: HistoryLine[] = [];
    const recorder = recordHistory({ process: "R1", write: (line) => lines.push(line) });
    const memory = memoryStore();
    const { put, get } = memory;
    expect(Object.keys(recorder.store({ put, get, maxWindowMs: 5_000 })).sort()).toEqual(["get", "maxWindowMs", "put"]);
    const store = recorder.store(memory, "clear");
    const dedup = new Deduplicator({ store });
    await dedup.guard(identity, () => {});
    expect(await dedup.clear({})).toBe(1);
    expect(lines.at(-2)).toMatchObject({ type: "invoke", operation: "clear", expected: 2 });
    expect(checkHistory(lines)).toEqual([]);
    await store.close?.();
    expect(store.watch).toBeDefined();
  });

  it("requires a name for the process", () => {
    expect(() => recordHistory({ process: "", write: () => {} })).toThrow("Expected `process` to be");
  });
});
