import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { deferred } from "../../src/internal/deferred.ts";
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
    const [began, end] = [deferred<void>(), deferred<void>()];
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
    const [began, end] = [deferred<void>(), deferred<void>()];
    const first = dedup.guard(identity, () => {
      began.resolve(undefined);
      return end.promise;
    });
    await began.promise;
    expect((await recorder.points()).get("latchkey.keys.in_flight")).toMatchObject([{ value: 1 }]);
    end.resolve(undefined);
    await first;
    await dedup.guard(identity, () => {});
    const points = await recorder.points();
    expect(points.get("latchkey.keys.in_flight")).toMatchObject([{ value: 0 }]);
    expect(points.get("latchkey.operations")?.map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ stage: "reserve", outcome: "unseen" }, 1],
      [{ stage: "reserve", outcome: "duplicate" }, 1],
      [{ stage: "dispatch", outcome: "returned" }, 1],
      [{ stage: "commit", outcome: "confirmed" }, 1],
    ]);
    const stages = points.get("latchkey.store.duration")?.map(({ attributes }) => attributes);
    expect(stages).toEqual([{ stage: "reserve" }, { stage: "commit" }]);
    expect(points.get("latchkey.dispatch.duration")).toMatchObject([{ value: { count: 1 } }]);
    expect(points.get("latchkey.lease.duration")).toMatchObject([{ value: { count: 1 } }]);
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
    expect((await recorder.points()).get("latchkey.operations") ?? []).toEqual([]);
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
