import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { backoffMs } from "../../../src/internal/backoff.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { Auditor } from "../../../src/nats/consumer/auditor.ts";
import { resolveConsumeOptions } from "../../../src/nats/consumer/consume-options.ts";
import { consume, identifyEvent } from "../../../src/nats/index.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";

const GOOD = { dedup: new Deduplicator({ store: memoryStore() }), dispatch: () => {} };

function resolved(options: object): unknown {
  return Reflect.apply(resolveConsumeOptions, undefined, [options]);
}

describe("options of consume", () => {
  it("have defaults", () => {
    expect(resolved(GOOD)).toMatchObject({
      identify: identifyEvent,
      concurrency: 10,
      maxDeliver: 10,
      backoffMs: { firstMs: 1_000, longestMs: 60_000 },
      deadLetter: undefined,
      subscriptionId: undefined,
    });
  });

  it("ignore audits without a listener", () => {
    const auditor = new Auditor("S", "C", systemClock, resolveConsumeOptions(GOOD).onAudit);
    expect(() => auditor.consumer({ type: "trigger.pull.failed", error: "x" })).not.toThrow();
  });

  const jetstream = { publish: () => {}, jetstreamManager: () => {} };
  it.each<[string, object, string]>([
    ["dedup", { dedup: undefined }, "Expected `dedup` to be an object, got `undefined` (undefined)"],
    ["dedup", { dedup: {} }, "Expected `dedup.guard` to be a function, got `undefined` (undefined)"],
    ["dispatch", { dispatch: "x" }, "Expected `dispatch` to be a function, got `x` (string)"],
    ["identify", { identify: 1 }, "Expected `identify` to be a function, got `1` (number)"],
    ["fingerprint", { fingerprint: 1 }, "Expected `fingerprint` to be a function, got `1` (number)"],
    ["orderBy", { orderBy: 1 }, "Expected `orderBy` to be a function, got `1` (number)"],
    ["group", { group: "jobs" }, "Expected `group` to be an object, got `jobs` (string)"],
    [
      "group",
      { group: { name: "a".repeat(17) } },
      `Expected \`group.name\` to be at most 16 characters, got \`${"a".repeat(17)}\` (string)`,
    ],
    [
      "group",
      { group: { name: "jobs", minPending: 0 } },
      "Expected `group.minPending` to be a whole number of at least 1, got `0` (number)",
    ],
    [
      "group",
      { group: { name: "jobs", priority: 10 } },
      "Expected `group.priority` to be a whole number from 0 to 9, got `10` (number)",
    ],
    ["onAudit", { onAudit: 1 }, "Expected `onAudit` to be a function, got `1` (number)"],
    [
      "subscriptionId",
      { subscriptionId: "" },
      "Expected `subscriptionId` to be a string that is not empty, got `` (string)",
    ],
    ["signal", { signal: {} }, "Expected `signal` to be an AbortSignal, got `…` (object)"],
    [
      "concurrency",
      { concurrency: 0 },
      "Expected `concurrency` to be a whole number from 1 to 10000, got `0` (number)",
    ],
    ["maxDeliver", { maxDeliver: 0.5 }, "Expected `maxDeliver` to be a whole number of at least 1, got `0.5` (number)"],
    ["backoffMs", { backoffMs: 5 }, "Expected `backoffMs` to be an object, got `5` (number)"],
    [
      "backoffMs",
      { backoffMs: { firstMs: 0, longestMs: 1 } },
      "Expected `backoffMs.firstMs` to be a whole number of at least 1, got `0` (number)",
    ],
    [
      "backoffMs",
      { backoffMs: { firstMs: 10, longestMs: 9 } },
      "Expected `backoffMs.longestMs` to be a whole number of at least 10, got `9` (number)",
    ],
    [
      "deadLetter",
      { deadLetter: { subject: "dead.*", jetstream } },
      "Expected `deadLetter.subject` to be a subject without wildcards, got `dead.*` (string)",
    ],
    [
      "deadLetter",
      { deadLetter: { subject: "dead", jetstream: undefined } },
      "Expected `deadLetter.jetstream` to be an object, got `undefined` (undefined)",
    ],
  ])("are refused when %s is invalid: %j", (_, wrong, message) => {
    expect(() => resolved({ ...GOOD, ...wrong })).toThrow(message);
  });

  it("are required, and so is a pull consumer", async () => {
    expect(() => {
      Reflect.apply(resolveConsumeOptions, undefined, [null]);
    }).toThrow("Expected `options` to be an object, got `null` (null)");
    await expect(Reflect.apply(consume, undefined, [undefined, GOOD])).rejects.toThrow(
      "Expected `consumer` to be an object, got `undefined` (undefined)",
    );
    await expect(Reflect.apply(consume, undefined, [{ info: () => {} }, GOOD])).rejects.toThrow(
      "Expected `consumer.fetch` to be a function, got `undefined` (undefined)",
    );
  });

  it("double the pause with every failure, up to the longest", () => {
    const pauses = [1, 2, 3, 4, 5, 2_000].map((failures) => backoffMs(failures, { firstMs: 100, longestMs: 1_000 }));
    expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });
});
