import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { Deferred } from "../../src/internal/deferred.ts";
import type { Store } from "../../src/model/store.ts";
import { instrument } from "../../src/otel/instrument.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { startRecorder } from "./recorder.ts";

const identity = { subscriptionId: "billing", eventId: "evt-1" };

function instrumented(store = memoryStore()) {
  const recorder = startRecorder();
  const dedup = new Deduplicator({ store });
  const telemetry = instrument(dedup, recorder);
  return {
    recorder,
    dedup,
    telemetry,
    async [Symbol.asyncDispose]() {
      telemetry.stop();
      await dedup.close({ drainMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

const summary = ({ name, attributes, status }: ReadableSpan) => ({
  name,
  decision: attributes["latchkey.decision"],
  commit: attributes["latchkey.commit"],
  failed: status.code === SpanStatusCode.ERROR,
});

describe("an instrumented guard", () => {
  it("is traced as reserve, dispatch and commit, which follow each other under the active span", async () => {
    await using use = instrumented();
    const { dedup, recorder } = use;
    const tracer = recorder.tracerProvider.getTracer("test");
    const parent = tracer.startSpan("parent");
    let active: string | undefined;
    await context.with(trace.setSpan(context.active(), parent), () =>
      dedup.guard(identity, async () => {
        active = trace.getActiveSpan()?.spanContext().spanId;
      }),
    );
    const spans = recorder.spans();
    expect(spans.map(summary)).toEqual([
      { name: "reserve", decision: "unseen", commit: undefined, failed: false },
      { name: "dispatch", decision: undefined, commit: undefined, failed: false },
      { name: "commit", decision: undefined, commit: "confirmed", failed: false },
    ]);
    expect(new Set(spans.map((span) => span.parentSpanContext?.spanId))).toEqual(
      new Set([parent.spanContext().spanId]),
    );
    expect(active).toBe(spans[1]?.spanContext().spanId);
    expect(spans[0]?.attributes).toMatchObject({
      "latchkey.subscription": "billing",
      "latchkey.event_id": "evt-1",
      "latchkey.fence": 1,
      "latchkey.attempt": 1,
    });
  });

  it("is traced as one span for a duplicate and for a pending event", async () => {
    await using use = instrumented();
    const { dedup, recorder } = use;
    const [began, end] = [new Deferred<void>(), new Deferred<void>()];
    const first = dedup.guard(identity, () => {
      began.resolve(undefined);
      return end.promise;
    });
    await began.promise;
    await dedup.guard(identity, () => {});
    end.resolve(undefined);
    await first;
    await dedup.guard(identity, () => {});
    const decisions = recorder.spans().map((span) => [span.name, span.attributes["latchkey.decision"]]);
    expect(decisions).toContainEqual(["reserve", "pending"]);
    expect(decisions).toContainEqual(["reserve", "duplicate"]);
    expect(decisions.filter(([name]) => name === "dispatch")).toHaveLength(1);
  });

  it("is traced as dispatch and release if the handler throws, without the message of the error", async () => {
    await using use = instrumented();
    const { dedup, recorder } = use;
    await expect(
      dedup.guard(identity, () => {
        throw new RangeError("the card number is 4111");
      }),
    ).rejects.toThrow("4111");
    expect(recorder.spans().map(summary)).toMatchObject([
      { name: "reserve", failed: false },
      { name: "dispatch", failed: true },
      { name: "release", failed: false },
    ]);
    expect(recorder.spans()[1]?.attributes["error.type"]).toBe("RangeError");
    const recorded = recorder.spans().map(({ attributes, events, status }) => ({ attributes, events, status }));
    expect(JSON.stringify(recorded)).not.toContain("4111");
  });

  it("is traced as a failed reserve if the store is unavailable", async () => {
    const put = () => Promise.reject(new StoreUnavailableError("gone", { ambiguous: false }));
    await using use = instrumented({ ...memoryStore(), put });
    const { dedup, recorder } = use;
    await expect(dedup.guard(identity, () => {})).rejects.toThrow(StoreUnavailableError);
    expect(recorder.spans().map(summary)).toMatchObject([{ name: "reserve", failed: true }]);
    expect(recorder.spans()[0]?.attributes["error.type"]).toBe("store-unavailable");
  });

  it("counts operations by stage and outcome, and measures store, dispatch and lease", async () => {
    await using use = instrumented();
    const { dedup, recorder } = use;
    const [began, end] = [new Deferred<void>(), new Deferred<void>()];
    const first = dedup.guard(identity, () => {
      began.resolve(undefined);
      return end.promise;
    });
    expect(dedup.inFlight).toBe(0);
    await began.promise;
    expect((await recorder.points()).get("latchkey.keys.in_flight")).toMatchObject([{ value: 1 }]);
    end.resolve(undefined);
    await first;
    await dedup.guard(identity, () => {});
    const points = await recorder.points();
    expect(points.get("latchkey.keys.in_flight")).toMatchObject([{ value: 0 }]);
    const operations = points.get("latchkey.operations")?.map(({ attributes, value }) => [attributes, value]);
    expect(new Set(operations)).toEqual(
      new Set([
        [{ stage: "reserve", outcome: "unseen" }, 1],
        [{ stage: "reserve", outcome: "duplicate" }, 1],
        [{ stage: "dispatch", outcome: "returned" }, 1],
        [{ stage: "commit", outcome: "confirmed" }, 1],
        [{ stage: "commit", outcome: "superseded" }, 0],
        [{ stage: "store", outcome: "unavailable" }, 0],
      ]),
    );
    const stages = points.get("latchkey.store.duration")?.map(({ attributes }) => attributes);
    expect(stages).toEqual([{ stage: "reserve" }, { stage: "commit" }]);
    expect(points.get("latchkey.dispatch.duration")).toMatchObject([{ value: { count: 1 } }]);
    expect(points.get("latchkey.lease.duration")).toMatchObject([{ value: { count: 1 } }]);
  });

  it("measures each stage by the deduplicator's clock, until a commit, a release or a failed request", async () => {
    let nowMs = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs };
    let isReachable = true;
    const memory = memoryStore();
    const takes = <Value>(durationMs: number, result: Value): Value => {
      nowMs += durationMs;
      return result;
    };
    await using recorder = startRecorder();
    const store: Store = {
      ...memory,
      put: (key, record, how) =>
        isReachable
          ? takes(record.state === "committed" ? 4_000 : 1_000, memory.put(key, record, how))
          : takes(500, Promise.reject(new StoreUnavailableError("gone", { ambiguous: false }))),
      remove: (key, how) => takes(8_000, memory.remove(key, how)),
    };
    const dedup = new Deduplicator({ store, clock, leaseMs: 60_000 });
    const telemetry = instrument(dedup, { meterProvider: recorder.meterProvider });
    await dedup.guard(identity, () => takes(2_000, undefined));
    const failing = () => takes(20_000, Promise.reject(new Error("no")));
    await expect(dedup.guard({ ...identity, eventId: "evt-2" }, failing)).rejects.toThrow("no");
    isReachable = false;
    await expect(dedup.guard({ ...identity, eventId: "evt-4" }, () => {})).rejects.toThrow(StoreUnavailableError);
    isReachable = true;
    const reserved = await dedup.reserve({ ...identity, eventId: "evt-3" });
    if (reserved.decision !== "unseen") throw new Error(`Expected unseen, got ${reserved.decision}`);
    await reserved.commit();
    const points = await recorder.points();
    const measured = ["store", "dispatch", "lease"].flatMap((what) =>
      (points.get(`latchkey.${what}.duration`) ?? []).map((point) => ({ what, ...point })),
    );
    expect(measured).toMatchObject([
      { what: "store", attributes: { stage: "reserve" }, value: { count: 4, sum: 3.5 } },
      { what: "store", attributes: { stage: "commit" }, value: { count: 2, sum: 8 } },
      { what: "store", attributes: { stage: "release" }, value: { count: 1, sum: 8 } },
      { what: "dispatch", value: { count: 3, sum: 22 } },
      { what: "lease", value: { count: 3, sum: 38 } },
    ]);
    expect(points.get("latchkey.keys.in_flight")).toMatchObject([{ value: 0 }]);
    telemetry.stop();
    await dedup.close();
  });

  it("loses no duration: each flush exports all of them, after `stop` too", async () => {
    await using recorder = startRecorder();
    const dedup = new Deduplicator({ store: memoryStore() });
    const telemetry = instrument(dedup, { meterProvider: recorder.meterProvider });
    const counts: unknown[] = [];
    let events = 0;
    for (const more of [1, 255, 30]) {
      const until = events + more;
      for (; events < until; events += 1) await dedup.guard({ ...identity, eventId: String(events) }, () => {});
      if (more === 30) telemetry.stop();
      counts.push((await recorder.points()).get("latchkey.lease.duration"));
    }
    expect(counts).toMatchObject([1, 256, 286].map((count) => [{ value: { count } }]));
    await dedup.close();
  });

  it("is traced from the moment at which a global tracer is registered", async () => {
    await using recorder = startRecorder();
    const dedup = new Deduplicator({ store: memoryStore() });
    const telemetry = instrument(dedup, { meterProvider: recorder.meterProvider });
    const { guard, reserve } = dedup;
    await guard(identity, () => {});
    await reserve({ ...identity, eventId: "evt-2" });
    expect(recorder.spans()).toEqual([]);
    trace.setGlobalTracerProvider(recorder.tracerProvider);
    try {
      await guard({ ...identity, eventId: "evt-3" }, () => {});
      await reserve({ ...identity, eventId: "evt-4" });
    } finally {
      trace.disable();
    }
    expect(recorder.spans().map(({ name }) => name)).toEqual(["reserve", "dispatch", "commit", "reserve"]);
    telemetry.stop();
    await dedup.close({ drainMs: 0 });
  });

  it("behaves as before for its caller: outcome, wrong arguments and the reservation of `reserve`", async () => {
    await using use = instrumented();
    const { dedup, recorder } = use;
    expect(await dedup.guard(identity, () => 7)).toMatchObject({ outcome: "dispatched", value: 7 });
    // @ts-expect-error a handler is a function
    await expect(dedup.guard(identity, 1)).rejects.toThrow("Expected `handler`");
    await expect(dedup.guard({ ...identity, eventId: "" }, () => {})).rejects.toThrow("Expected `eventId`");
    const decision = await dedup.reserve({ ...identity, eventId: "evt-2" });
    if (decision.decision !== "unseen") throw new Error(`Expected unseen, got ${decision.decision}`);
    expect(await decision.commit()).toMatchObject({ commit: "confirmed" });
    expect(recorder.spans().slice(-2).map(summary)).toMatchObject([
      { name: "reserve", decision: "unseen" },
      { name: "commit", commit: "confirmed" },
    ]);
  });

  it("is neither traced nor counted after `stop`", async () => {
    await using use = instrumented();
    const { dedup, recorder, telemetry } = use;
    telemetry.stop();
    await dedup.guard(identity, () => {});
    expect(recorder.spans()).toEqual([]);
    const operations = (await recorder.points()).get("latchkey.operations") ?? [];
    expect(operations.filter(({ value }) => value !== 0)).toEqual([]);
  });

  it("reports the usage of the store with each export", async () => {
    await using recorder = startRecorder();
    const dedup = new Deduplicator({ store: memoryStore() });
    const telemetry = instrument(dedup, { ...recorder, storeUsage: async () => ({ usedBytes: 9, limitBytes: 10 }) });
    const points = await recorder.points();
    expect([points.get("latchkey.store.used"), points.get("latchkey.store.limit")]).toMatchObject([
      [{ value: 9 }],
      [{ value: 10 }],
    ]);
    telemetry.stop();
    await dedup.close();
  });

  it("names the wrong argument", () => {
    // @ts-expect-error a deduplicator is an object
    expect(() => instrument(1)).toThrow("Expected `dedup`");
  });
});
