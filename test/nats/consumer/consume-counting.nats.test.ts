import { describe, expect, it } from "vitest";
import {
  Deduplicator,
  type DeduplicatorOptions,
  memoryStore,
  type Store,
  StoreUnavailableError,
} from "../../../src/index.ts";
import { createEventStream, type EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

const quick = (more: Partial<DeduplicatorOptions> = {}): DeduplicatorOptions => ({
  store: memoryStore(),
  leaseMs: 3_000,
  skewMs: 0,
  ...more,
});

/** Reserves the event for another holder. The returned function releases it. */
async function held(dedup: DeduplicatorOptions, stream: EventStream, id: string): Promise<() => Promise<void>> {
  const other = new Deduplicator(dedup);
  const reservation = await other.reserve(stream.identity(id));
  return async () => {
    if (reservation.decision === "unseen") await reservation.release();
    await other.close();
  };
}

describe("a message that was nak'd without a dispatch", () => {
  it("F6 does not become a dead letter at its first failed dispatch after many pending deliveries", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = quick();
    const giveUp = await held(dedup, stream, "e-1");
    await stream.publish("e-1");
    let calls = 0;
    await using worker = await startWorker(stream, {
      dedup,
      maxDeliver: 2,
      dispatch: () => {
        calls += 1;
        if (calls === 1) throw new Error("boom");
      },
    });
    const pending = await worker.until("trigger.nakked", 3);
    // The first pauses are short: most dispatches take far less than their lease.
    expect(pending.slice(0, 2).map(({ delay, delayMs }) => [delay, delayMs])).toEqual([
      ["pending", 250],
      ["pending", 500],
    ]);
    await giveUp();
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.of("trigger.dispatch.failed").map(({ failures }) => failures)).toEqual([1]);
    // The backoff is that of the first failure.
    expect(worker.of("trigger.nakked").filter(({ delay }) => delay === "backoff")).toMatchObject([{ delayMs: 50 }]);
    expect(await stream.dead()).toEqual([]);
  });

  it("F6 does not become a dead letter at its first failed dispatch after a store outage", async () => {
    const stream = await createEventStream(nats.connection);
    const inner = memoryStore();
    let isAway = true;
    const store: Store = {
      get: (key) => inner.get(key),
      put: (key, record, how) =>
        isAway ? Promise.reject(new StoreUnavailableError("away", { ambiguous: false })) : inner.put(key, record, how),
      remove: (key, how) => inner.remove(key, how),
    };
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick({ store }),
      maxDeliver: 2,
      dispatch: () => Promise.reject(new Error("boom")),
    });
    await worker.until("trigger.refused", 3);
    isAway = false;
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(worker.of("trigger.dispatch.failed").map(({ failures }) => failures)).toEqual([1, 2]);
    expect(letter?.reason).toBe("max-deliver");
    expect(letter?.deliveries).toBeGreaterThanOrEqual(5);
  });

  it("is redelivered when the reservation ends if the server limits deliveries", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 3 });
    const dedup = quick({ leaseMs: 5_000, renew: false });
    const giveUp = await held(dedup, stream, "e-1");
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup });
    const [put] = await worker.until("trigger.nakked");
    expect(put?.delayMs).toBeGreaterThan(2_000);
    await giveUp();
  });
});

describe("several replicas", () => {
  it("F6 dead-letter a failing message once one of them saw `maxDeliver` failures", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = quick();
    await stream.publish("e-1");
    const options = { dedup, maxDeliver: 6, dispatch: () => Promise.reject(new Error("boom")) };
    await using one = await startWorker(stream, options);
    await using two = await startWorker(stream, options);
    await eventually("the dead letter", async () => ((await stream.dead()).length === 1 ? true : undefined));
    const dispatches = [one.began.length, two.began.length];
    expect(Math.max(...dispatches)).toBe(6);
    expect(Math.min(...dispatches)).toBeLessThan(6);
  });

  it("F6 do not dead-letter a message at its first failure after many deliveries without a dispatch elsewhere", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = quick();
    const giveUp = await held(dedup, stream, "e-1");
    await stream.publish("e-1");
    await using first = await startWorker(stream, { dedup, maxDeliver: 2 });
    await first.until("trigger.nakked", 3);
    await first.running.stop();
    await giveUp();
    let calls = 0;
    await using second = await startWorker(stream, {
      dedup,
      maxDeliver: 2,
      dispatch: () => {
        calls += 1;
        if (calls === 1) throw new Error("boom");
      },
    });
    await second.until("trigger.dispatched");
    const [failure] = second.of("trigger.dispatch.failed");
    expect(failure).toMatchObject({ failures: 1 });
    expect(failure?.unseen).toBeGreaterThanOrEqual(3);
    expect(await stream.dead()).toEqual([]);
  });
});
