import { setImmediate as endOfTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { WriteQueue } from "../../../src/nats/kv/write-queue.ts";
import type { SentWrite } from "../../../src/nats/kv/write-sender.ts";
import { sendBatch } from "../../../src/nats/wire/batch.ts";
import { BucketWriter } from "../../../src/nats/wire/bucket-writer.ts";
import { RequestMultiplexer } from "../../../src/nats/wire/request-multiplexer.ts";
import { FakeBucket, type SentMessage, type Treatment } from "../../support/nats-fake-bucket.ts";

const treatment = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Treatment>("processed") },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Treatment>("no responders", "busy", "full", "answer lost", "request lost"),
  },
);

type Step =
  /** Calls `write` several times. Every third result leads to `follow` further calls, one after the other. */
  | {
      readonly type: "write";
      readonly count: number;
      readonly follow: number;
      readonly keys: number;
      readonly length: number;
      readonly isRight: boolean;
    }
  | { readonly type: "treat"; readonly index: number; readonly treatment: Treatment }
  | { readonly type: "treat at once"; readonly treatment: Treatment | undefined }
  | { readonly type: "batches from"; readonly load: number }
  | { readonly type: "disconnect" }
  | { readonly type: "turn" }
  | { readonly type: "wait"; readonly ms: number };

/** Load from which the policy chooses batches. */
const load = fc.constantFrom(0, 4, 16, 10_000);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("write" as const),
      count: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.constantFrom(127, 128, 1_100)),
      follow: fc.nat(2),
      keys: fc.integer({ min: 1, max: 400 }),
      length: fc.constantFrom(1, 1, 9_000, 70_000),
      isRight: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("treat" as const), index: fc.nat(30), treatment }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("treat at once" as const),
      treatment: fc.option(treatment, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("batches from" as const), load }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "disconnect" as const }) },
  { weight: 4, arbitrary: fc.constant({ type: "turn" as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.constantFrom(1, 999, 1_000) }) },
);

interface Call {
  readonly payload: string;
  readonly results: SentWrite[];
}

/** More calls would only be slower: fake timers take quadratic time. */
const MAX_CALLS = 1_300;

/** A queue over the real wire code, with a fake bucket whose answers the test decides. */
class Scenario {
  batchesFrom = 10_000;
  /** Unanswered calls, counted by the test. */
  load = 0;
  readonly bucket = new FakeBucket();
  readonly calls: Call[] = [];
  readonly #queue: WriteQueue;

  constructor() {
    const requests = new RequestMultiplexer(this.bucket.connection, undefined);
    const address = { bucket: "b", timeoutMs: 3_600_000, apiPrefix: "$JS.API", revisionOffset: 0 };
    const policy = {
      modeFor: (load: number) => (load >= this.batchesFrom ? ("batch" as const) : ("single" as const)),
      started: (load: number) => {
        if (load !== this.load) expect(load).toBe(this.load);
        this.load += 1;
        return load;
      },
      finished: () => {
        this.load -= 1;
      },
    };
    this.#queue = new WriteQueue(policy, {
      bucket: "b",
      writer: new BucketWriter(requests, address),
      sendBatch: (writes, onResult) => sendBatch(requests, address, writes, onResult),
    });
  }

  write(how: Step & { readonly type: "write" }): void {
    for (let count = 0; count < how.count && this.calls.length < MAX_CALLS; count += 1) {
      const id = this.calls.length;
      const call: Call = { payload: `${id}:`.padEnd(count < 20 ? how.length : 1, "x"), results: [] };
      this.calls.push(call);
      const expected = how.isRight ? 0 : 1_000_000;
      const write = {
        key: `${id % how.keys}`,
        expected,
        payload: call.payload,
        ttlSeconds: 7,
        operation: "put",
        timeoutMs: 3_600_000,
      } as const;
      this.#queue.write(write, (result) => {
        call.results.push(result);
        if (how.follow > 0 && id % 3 === 0) this.write({ ...how, count: 1, follow: how.follow - 1 });
      });
    }
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      if (one.type === "write") this.write(one);
      else if (one.type === "treat") this.bucket.treat(one.index, one.treatment);
      else if (one.type === "treat at once") this.bucket.immediate = one.treatment;
      else if (one.type === "batches from") this.batchesFrom = one.load;
      else if (one.type === "disconnect") this.bucket.disconnect();
      else if (one.type === "turn") await endOfTurn();
      else vi.advanceTimersByTime(one.ms);
    }
  }

  get unsent(): number {
    const sent = new Set<string>();
    for (const { messages } of this.bucket.sent) for (const { payload } of messages) sent.add(payload);
    return this.calls.filter(({ payload }) => !sent.has(payload)).length;
  }

  /** Advances the time by the longest wait of the queue, while the server is silent. */
  async sendAll(): Promise<void> {
    this.bucket.immediate = undefined;
    await endOfTurn();
    for (let unsent = this.unsent; unsent > 0; unsent = this.unsent) {
      vi.advanceTimersByTime(1_000);
      await endOfTurn();
      expect(this.unsent).toBeLessThan(unsent);
    }
  }

  /** Gives every request the same treatment, and then ends the connection for those that got no answer. */
  async end(rest: Treatment): Promise<void> {
    this.batchesFrom = 10_000;
    for (let round = 0; this.load > 0 && round < 200; round += 1) {
      // A server is not busy forever.
      while (this.bucket.requests.length > 0) this.bucket.treat(0, rest === "busy" && round > 3 ? "processed" : rest);
      this.bucket.disconnect();
      await endOfTurn();
      vi.advanceTimersByTime(100);
      await endOfTurn();
    }
  }
}

/** Returns true if a result agrees with the content of the bucket. */
function isTrue(result: SentWrite, revisions: readonly number[]): boolean {
  if (typeof result === "number") return revisions.length === 1 && revisions[0] === result;
  if (result === undefined) return revisions.length === 0;
  return result instanceof StoreUnavailableError && (result.ambiguous || revisions.length === 0);
}

const lengthOf = (messages: readonly SentMessage[]): number =>
  messages.reduce((sum, { payload }) => sum + payload.length, 0);

describe("WriteQueue", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("sends every write even if the server is silent, and reports one correct result for each", async () => {
    const results = { stored: 0, conflict: 0, certain: 0, ambiguous: 0, batches: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), load, treatment, async (steps, from, rest) => {
        const scenario = new Scenario();
        scenario.batchesFrom = from;
        await scenario.run(steps);
        await scenario.sendAll();
        await scenario.end(rest);
        const wrong: object[] = [];
        for (const { payload, results: got } of scenario.calls) {
          const revisions = scenario.bucket.revisionsOf.get(payload) ?? [];
          const [result] = got;
          if (got.length !== 1 || !isTrue(result, revisions)) wrong.push({ got, revisions });
          if (typeof result === "number") results.stored += 1;
          else if (result === undefined) results.conflict += 1;
          else if (result instanceof StoreUnavailableError) results[result.ambiguous ? "ambiguous" : "certain"] += 1;
        }
        expect(wrong).toEqual([]);
        for (const { messages, batch } of scenario.bucket.sent) {
          expect(messages.every(({ stream, ttl }) => stream === "KV_b" && ttl === "7s")).toBe(true);
          if (batch === undefined) continue;
          results.batches += 1;
          expect(messages.length).toBeGreaterThan(1);
          expect(messages.length).toBeLessThanOrEqual(1_000);
          expect(new Set(messages.map(({ subject }) => subject)).size).toBe(messages.length);
          expect(lengthOf(messages)).toBeLessThanOrEqual(1_048_576);
          expect(messages.every(({ payload }) => payload.length <= 65_536)).toBe(true);
        }
        expect(scenario.load).toBe(0);
        vi.advanceTimersByTime(1_000);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 100 },
    );
    // The property means nothing if one of the results never occurs.
    expect(Object.values(results).filter((count) => count === 0)).toEqual([]);
  });

  it("reports an ambiguous error if a batch failed halfway and the repeat of a member fails too", async () => {
    const scenario = new Scenario();
    scenario.batchesFrom = 0;
    scenario.write({ type: "write", count: 3, follow: 0, keys: 3, length: 1, isRight: true });
    scenario.bucket.treat(0, "processed");
    await endOfTurn();
    expect(scenario.bucket.requests.map(({ messages }) => messages.length)).toEqual([2]);
    scenario.bucket.treat(0, "full");
    while (scenario.bucket.requests.length > 0) scenario.bucket.treat(0, "no responders");
    await endOfTurn();
    expect(scenario.calls.map(({ results }) => results)).toEqual([
      [1],
      [expect.objectContaining({ code: "store-unavailable", ambiguous: true })],
      [expect.objectContaining({ code: "store-unavailable", ambiguous: true })],
    ]);
  });
});
