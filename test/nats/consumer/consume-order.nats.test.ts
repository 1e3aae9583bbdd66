import { describe, expect, it } from "vitest";
import { memoryStore, PermanentError } from "../../../src/index.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import type { ReceivedMessage } from "../../../src/nats/index.ts";
import { ACK_WAIT_MS, createEventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

const quick = () => ({ store: memoryStore(), leaseMs: 5_000, skewMs: 0 });

/** Returns the part of the event's id before the dash. */
const orderBy = (message: ReceivedMessage): string => (message.headers?.get("ce-id") ?? "").split("-")[0] ?? "";

describe("messages with an ordering key", () => {
  it("are dispatched one at a time and in stream order, while other keys run at the same time", async () => {
    const stream = await createEventStream(nats.connection);
    const ids = Array.from({ length: 60 }, (_, index) => `${"abc"[index % 3]}-${index}`);
    for (const id of ids) await stream.publish(id);
    const running = new Map<string, number>();
    let most = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      orderBy,
      concurrency: 10,
      dispatch: async (id) => {
        const [key = ""] = id.split("-");
        running.set(key, (running.get(key) ?? 0) + 1);
        expect(running.get(key)).toBe(1);
        most = Math.max(most, [...running.values()].filter((count) => count > 0).length);
        await new Promise((resolve) => setImmediate(resolve));
        running.set(key, 0);
      },
    });
    await stream.settled(60);
    expect(most).toBe(3);
    for (const key of ["a", "b", "c"]) {
      const ofKey = (id: string): boolean => id.startsWith(key);
      expect(worker.began.filter(ofKey)).toEqual(ids.filter(ofKey));
    }
    expect(worker.of("trigger.dispatch.failed")).toEqual([]);
  });

  it("wait beyond `ack_wait` and without a slot, while other keys go on", async () => {
    const stream = await createEventStream(nats.connection);
    for (const id of ["a-1", "a-2", "a-3", "a-4", "b-1", "b-2"]) await stream.publish(id);
    const { promise, resolve } = new Deferred<void>();
    await using worker = await startWorker(stream, {
      dedup: quick(),
      orderBy,
      concurrency: 2,
      dispatch: (id) => (id === "a-1" ? promise : undefined),
    });
    const started = performance.now();
    await eventually("`b` to be dispatched", () => (worker.began.includes("b-2") ? true : undefined));
    await eventually("`ack_wait` to pass", () => (performance.now() - started > 1.5 * ACK_WAIT_MS ? true : undefined));
    expect(worker.began).toEqual(["a-1", "b-1", "b-2"]);
    resolve();
    await stream.settled(6);
    expect(worker.began).toEqual(["a-1", "b-1", "b-2", "a-2", "a-3", "a-4"]);
    expect(worker.audits.filter((audit) => "deliveries" in audit && audit.deliveries > 1)).toEqual([]);
  });

  it("are redelivered after a failure without holding up later ones, and are nak'd when the consumer stops", async () => {
    const stream = await createEventStream(nats.connection);
    for (const id of ["a-1", "a-2", "a-3"]) await stream.publish(id);
    const { promise, resolve } = new Deferred<void>();
    let calls = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      orderBy,
      dispatch: (id) => {
        if (id === "a-1" && ++calls === 1) throw new Error("boom");
        return id === "a-2" ? promise : undefined;
      },
    });
    await eventually("`a-2` to run", () => (worker.began.includes("a-2") ? true : undefined));
    const stopped = worker.running.stop();
    await worker.until("trigger.nakked", 2);
    expect(worker.began).toEqual(["a-1", "a-2"]);
    resolve();
    await stopped;
    await using next = await startWorker(stream, { dedup: worker.dedup, orderBy });
    await stream.settled(3);
    expect([...next.began].sort()).toEqual(["a-1", "a-3"]);
  });

  it("become dead letters if `orderBy` throws or returns no text", async () => {
    const stream = await createEventStream(nats.connection);
    for (const id of ["-1", "b-1"]) await stream.publish(id);
    const throwing = (message: ReceivedMessage): string => {
      if (orderBy(message) === "b") throw new PermanentError("no key");
      return orderBy(message);
    };
    await using worker = await startWorker(stream, { dedup: quick(), orderBy: throwing });
    const letters = await worker.until("trigger.dead-lettered", 2);
    expect(letters.map(({ reason, error }) => [reason, String(error)])).toEqual([
      ["unidentifiable", "Error: The message has no ordering key"],
      ["unidentifiable", "Error: The message has no ordering key"],
    ]);
    expect(worker.began).toEqual([]);
  });
});
