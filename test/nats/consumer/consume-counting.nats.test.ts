import type { JetStreamClient } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { describe, expect, it, vi } from "vitest";
import {
  Deduplicator,
  type DeduplicatorOptions,
  memoryStore,
  type Store,
  StoreUnavailableError,
} from "../../../src/index.ts";
import type { ScheduledRetriesOptions } from "../../../src/nats/index.ts";
import { createEventStream, DURABLE, type EventStream } from "../../support/event-stream.ts";
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

describe("a message whose retry is scheduled in the stream", () => {
  /** The durable may have one message in progress, and does not read the copies. */
  async function scheduling(): Promise<{ readonly stream: EventStream; readonly later: ScheduledRetriesOptions }> {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 1 });
    const { name, subject, manager, jetstream } = stream;
    await manager.streams.update(name, { subjects: [subject, `later.${name}.*`], allow_msg_schedules: true });
    await manager.consumers.update(name, DURABLE, { filter_subject: subject });
    return { stream, later: { subject: `later.${name}`, jetstream, afterMs: 1_000 } };
  }
  const backoffMs = { firstMs: 1_000, longestMs: 1_000 };

  it("leaves `max_ack_pending` to others, keeps its key, and counts the attempts of all copies", async () => {
    const { stream, later } = await scheduling();
    const { jetstream, subject } = stream;
    await jetstream.publish(subject, "fails twice", { msgID: "m-1" });
    await jetstream.publish(subject, "fails always", { msgID: "m-2" });
    await jetstream.publish(subject, "succeeds", { msgID: "m-3" });
    const dispatched: string[] = [];
    const keys = new Map<string, Set<string>>();
    await using worker = await startWorker(stream, {
      dedup: quick(),
      backoffMs,
      scheduledRetries: later,
      maxDeliver: 3,
      dispatch: (_, { reservation: { attempt, idempotencyKey } }, message) => {
        const what = message.string();
        dispatched.push(`${what} ${attempt}`);
        keys.set(what, (keys.get(what) ?? new Set()).add(idempotencyKey));
        if (what === "fails always" || (what === "fails twice" && attempt < 3)) throw new Error("boom");
      },
    });
    await worker.until("trigger.dead-lettered");
    await worker.until("trigger.dispatched", 2);
    expect(dispatched.slice(0, 3)).toEqual(["fails twice 1", "fails always 1", "succeeds 1"]);
    expect(dispatched.slice(3).sort()).toEqual(["fails always 2", "fails always 3", "fails twice 2", "fails twice 3"]);
    expect([...keys.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(
      worker
        .of("trigger.dispatch.failed")
        .map(({ failures }) => failures)
        .sort(),
    ).toEqual([1, 1, 2, 2, 3]);
    expect(worker.of("trigger.nakked")).toEqual([]);
    const [letter] = await stream.dead();
    expect(letter?.header.get("Latchkey-Original-Nats-Msg-Id")).toBe("m-2");
    expect(letter?.header.has("Latchkey-Failures")).toBe(false);
    // No copy remains, and none comes twice.
    await eventually("all to be settled", async () => {
      const { num_pending, num_ack_pending } = await stream.info();
      return num_pending + num_ack_pending === 0 ? true : undefined;
    });
    const { state } = await stream.manager.streams.info(stream.name, { subjects_filter: `${later.subject}.*` });
    expect(state.subjects ?? {}).toEqual({});
  });

  it.each([-3_600_000, 3_600_000])(
    "comes back after the pause if the clock of the replica is %d ms off",
    async (offMs) => {
      const { stream, later } = await scheduling();
      const duesMs: number[] = [];
      const jetstream = {
        jetstreamManager: later.jetstream.jetstreamManager.bind(later.jetstream),
        publish(...copy: Parameters<JetStreamClient["publish"]>) {
          duesMs.push(Date.parse(copy[2]?.headers?.get("Nats-Schedule").replace("@at ", "") ?? ""));
          return later.jetstream.publish(...copy);
        },
      };
      const { now } = Date;
      const wrong = vi.spyOn(Date, "now").mockImplementation(() => now() + offMs);
      try {
        await stream.publish("e-1");
        await using worker = await startWorker(stream, {
          dedup: quick(),
          backoffMs,
          scheduledRetries: { ...later, jetstream },
          dispatch: (_, { reservation: { attempt } }) => {
            if (attempt === 1) throw new Error("boom");
          },
        });
        const [scheduled] = await worker.until("trigger.retry.scheduled");
        expect(Math.abs((scheduled?.atMs ?? 0) - now() - offMs)).toBeLessThan(600_000);
        await worker.until("trigger.dispatched");
      } finally {
        wrong.mockRestore();
      }
      // Servers and tests share one machine, whose clock is right. A busy one may take a minute.
      expect(duesMs.map((dueMs) => Math.abs(dueMs - now()) < 120_000)).toEqual([true]);
    },
  );

  it("is scheduled once if its acknowledgement is lost, and is nak'd if the stream refuses the copy", async () => {
    const { stream, later } = await scheduling();
    let refuses = false;
    const answers: string[] = [];
    const jetstream = {
      jetstreamManager: later.jetstream.jetstreamManager.bind(later.jetstream),
      async publish(...copy: Parameters<JetStreamClient["publish"]>) {
        if (refuses) throw new Error("refused");
        const stored = await later.jetstream.publish(...copy);
        // The copy is stored, and the answer to it is lost once.
        if (answers.push("stored") === 1) throw new Error("timeout");
        return stored;
      },
    };
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      backoffMs,
      scheduledRetries: { ...later, jetstream },
      dispatch: (_, { reservation: { attempt } }) => {
        if (attempt === 1 || worker.began.length < 3) throw new Error("boom");
      },
    });
    const [first] = await worker.until("trigger.schedule.failed");
    expect(first?.error).toMatchObject({ message: "timeout" });
    refuses = true;
    await worker.until("trigger.dispatched");
    await eventually("the copy to be a duplicate, or the original", async () => {
      const { num_pending, num_ack_pending } = await stream.info();
      return num_pending + num_ack_pending === 0 ? true : undefined;
    });
    expect(worker.of("trigger.dispatched")).toHaveLength(1);
    expect(worker.of("trigger.nakked").length).toBeGreaterThan(0);
    expect(await stream.dead()).toEqual([]);
  });

  it("is refused at the start if the stream or the consumer cannot keep copies", async () => {
    const stream = await createEventStream(nats.connection);
    const { name, manager, jetstream } = stream;
    const scheduledRetries = { subject: "later", jetstream };
    const refused = startWorker(stream, { dedup: quick(), backoffMs, scheduledRetries });
    await expect(refused).rejects.toThrow(/no `allow_msg_schedules`.*does not store `later\.\*`.*reads `later\.\*`/);
    await manager.streams.update(name, { max_age: nanos(1_000), duplicate_window: nanos(1_000) });
    const early = startWorker(stream, { dedup: quick(), backoffMs, scheduledRetries });
    await expect(early).rejects.toThrow(/after 1000 ms \(`max_age`\), before the longest pause of 1000 ms ends/);
  });
});
