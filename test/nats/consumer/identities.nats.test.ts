import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { byHeader, byPointer, firstOf, PermanentError } from "../../../src/index.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { createEventStream, type EventStream } from "../../support/event-stream.ts";
import { quick } from "../../support/quick.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer({ config: "max_payload: 64KB" });

async function publish(
  { jetstream, subject }: EventStream,
  body: unknown,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  const own = headers();
  for (const [name, value] of Object.entries(fields)) own.set(name, value);
  await jetstream.publish(subject, JSON.stringify(body), { headers: own });
}

const EVENT = { specversion: "1.0", id: "e-1", source: "/test", type: "t" };

describe("a message", () => {
  it.each<[name: string, body: unknown, fields: Readonly<Record<string, string>>]>([
    ["its content type", [EVENT], { "content-type": "application/cloudevents-batch+json", "Nats-Msg-Id": "m-1" }],
    ["its content type with parameters", [], { "Content-Type": "application/cloudevents-batch+json; charset=utf-8" }],
    ["its body", [EVENT, { ...EVENT, id: "e-2" }], { "Nats-Msg-Id": "m-1" }],
    [
      "its content type, although it has an id of its own",
      [EVENT],
      {
        "content-type": "application/cloudevents-batch+json",
        "ce-id": "e-1",
        "ce-source": "/test",
      },
    ],
  ])("becomes a dead letter with advice if it is a batch of CloudEvents, by %s", async (_, body, fields) => {
    const stream = await createEventStream(nats.connection);
    await publish(stream, body, fields);
    await using worker = await startWorker(stream, { dedup: quick() });
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(letter?.reason).toBe("unidentifiable");
    expect(String(letter?.error)).toContain("a batch of CloudEvents");
    expect(String(letter?.error)).toContain("publish one event per message");
    expect(worker.began).toEqual([]);
  });

  it("is identified by its `Nats-Msg-Id` if its body is another list", async () => {
    const stream = await createEventStream(nats.connection);
    await publish(stream, [{ id: "e-1" }], { "Nats-Msg-Id": "m-1" });
    await using worker = await startWorker(stream, { dedup: quick() });
    const [audit] = await worker.until("trigger.dispatched");
    expect(audit?.identity?.eventId).toBe("m-1");
  });

  it.each([20_000, 62_000])(
    "becomes a dead letter before anything is written if its id of %i characters is too long for the bucket",
    async (length) => {
      const stream = await createEventStream(nats.connection);
      const bucket = `long-${length}`;
      const store = await natsStore(nats.connection, { bucket });
      await stream.manager.streams.update(`KV_${bucket}`, { max_msg_size: 16_000 });
      await publish(stream, "", { "Nats-Msg-Id": "x".repeat(length) });
      await publish(stream, "", { "Nats-Msg-Id": "short" });
      await using worker = await startWorker(stream, { dedup: quick({ store }) });
      const [letter] = await worker.until("trigger.dead-lettered");
      await worker.until("trigger.dispatched");
      await stream.settled(2);
      expect(letter?.reason).toBe("identity-too-long");
      expect(worker.began).toEqual([""]);
      expect((await stream.manager.streams.info(`KV_${bucket}`)).state.messages).toBe(1);
      expect(await stream.dead()).toHaveLength(1);
    },
  );

  it("has the identity of its original if it is consumed from the stream of the dead letters", async () => {
    const stream = await createEventStream(nats.connection);
    await publish(stream, "payload", { "Nats-Msg-Id": "m-1" });
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: () => Promise.reject(new PermanentError("never")),
    });
    await worker.until("trigger.dead-lettered");
    await stream.manager.consumers.add(stream.deadName, { durable_name: "late", ack_policy: "explicit" });
    const consumer = await stream.jetstream.consumers.get(stream.deadName, "late");
    await using late = await startWorker(stream, { dedup: quick(), consumer, storesDeadLetters: false });
    const [audit] = await late.until("trigger.dispatched");
    expect(audit?.identity?.eventId).toBe("m-1");
  });

  it.each([
    ["byHeader", byHeader("X-Delivery"), "d-1"],
    ["byHeader, of a header that the server acts on", byHeader("nats-msg-id"), "m-1"],
    ["byPointer", byPointer("/data/id"), "p-1"],
    ["firstOf", firstOf(byHeader("missing"), byPointer("/data/id")), "p-1"],
  ])("is identified by %s", async (_, identify, eventId) => {
    const stream = await createEventStream(nats.connection);
    await publish(stream, { data: { id: "p-1" } }, { "x-delivery": "d-1", "Nats-Msg-Id": "m-1" });
    await using worker = await startWorker(stream, { dedup: quick(), identify });
    const [audit] = await worker.until("trigger.dispatched");
    expect(audit?.identity).toMatchObject({ eventId, subscriptionId: `${stream.name}/worker` });
  });

  it.each([
    ["is missing", byHeader("X-Other"), "is missing"],
    ["is a number", byPointer("/number"), "a number"],
    ["is not JSON", byPointer("/id/of/nothing"), "is missing"],
  ])("becomes a dead letter if the selected field %s", async (_, identify, says) => {
    const stream = await createEventStream(nats.connection);
    await publish(stream, { number: 1 });
    await using worker = await startWorker(stream, { dedup: quick(), identify });
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(letter?.reason).toBe("unidentifiable");
    expect(String(letter?.error)).toContain(says);
  });
});

describe("the hook for duplicates", () => {
  it("receives the message, its identity, the window and the kept result", async () => {
    const stream = await createEventStream(nats.connection);
    const duplicates: unknown[] = [];
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick({ keepResults: true }),
      dispatch: () => ({ run: 7 }),
      onDuplicate: ({ message, identity, committedAt, windowEndsAtMs = 0, value }) =>
        void duplicates.push([message.seq, identity.eventId, windowEndsAtMs - committedAt, value]),
    });
    await worker.until("trigger.dispatched");
    await stream.publish("e-1");
    await worker.until("trigger.deduped");
    expect(duplicates).toEqual([[2, stream.identity("e-1").eventId, 86_400_000, { run: 7 }]]);
  });

  it("receives no value if results are not kept", async () => {
    const stream = await createEventStream(nats.connection);
    const values: unknown[] = [];
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      onDuplicate: ({ value }) => void values.push(value),
    });
    await worker.until("trigger.dispatched");
    await stream.publish("e-1");
    await worker.until("trigger.deduped");
    expect(values).toEqual([undefined]);
  });
});
