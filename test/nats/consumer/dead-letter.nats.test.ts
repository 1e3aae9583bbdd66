import { headers, MsgHdrsImpl } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { PermanentError } from "../../../src/index.ts";
import { createEventStream, type EventStream } from "../../support/event-stream.ts";
import { quick } from "../../support/quick.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer({ config: "max_payload: 64KB" });

const never = () => Promise.reject(new PermanentError("never"));

describe("a dead letter", () => {
  it("is the reason of the message's termination without a subject", async () => {
    const stream = await createEventStream(nats.connection);
    const advisories = nats.connection.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${stream.name}.>`, {
      max: 1,
    });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      storesDeadLetters: false,
      dispatch: () => Promise.reject(new PermanentError("never")),
    });
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(letter).toMatchObject({ reason: "permanent-error" });
    expect(letter).not.toHaveProperty("deadLetterSubject");
    for await (const advisory of advisories) {
      expect(advisory.json()).toMatchObject({ reason: "permanent-error: never", deliveries: 1 });
    }
    await stream.settled(1);
    expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding.setting)).toContain("deadLetter");
  });

  it("is retried until it is stored, and its event is not dispatched again", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      concurrency: 1,
      async dispatch(id) {
        if (id === "e-2") return;
        await stream.manager.streams.delete(stream.deadName);
        throw new PermanentError("never");
      },
    });
    await worker.until("trigger.dead-letter.failed", 2);
    expect(worker.of("trigger.dead-lettered")).toEqual([]);
    // The only slot is free.
    await stream.publish("e-2");
    await worker.until("trigger.dispatched");
    await stream.addDeadLetters();
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(2);
    expect(letter).toMatchObject({ copy: "whole", deliveries: 1 });
    expect((await stream.dead()).map((dead) => dead.string())).toEqual(["body of e-1"]);
    expect(worker.began).toEqual(["e-1", "e-2"]);
  });

  it("is stored without body and headers if its message reaches the size limit of the server", async () => {
    const stream = await createEventStream(nats.connection);
    const own = new MsgHdrsImpl();
    own.set("ce-source", "/test");
    own.set("ce-id", "e-1");
    const size = 64 * 1024 - own.encode().length;
    await stream.jetstream.publish(stream.subject, new Uint8Array(size), { headers: own });
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: never });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter).toMatchObject({ copy: "without-body", deadLetterSubject: stream.deadSubject });
    await expectBodiless(stream);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("is stored without the headers of its message if they are large", async () => {
    const stream = await createEventStream(nats.connection);
    const own = headers();
    own.set("ce-source", "/test");
    own.set("ce-id", "e-1");
    own.set("large", "x".repeat(63 * 1024));
    own.set("Nats-Msg-Id", "y".repeat(800));
    await stream.jetstream.publish(stream.subject, "", { headers: own });
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: never });
    await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    await expectBodiless(stream);
  });

  it("is stored without its body if it exceeds `max_msg_size`", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.editDeadLetters({ max_msg_size: 1_000 });
    await stream.publish("e-1", "x".repeat(2_000));
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: never });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter?.copy).toBe("without-body");
    await expectBodiless(stream);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("is stored without its body if the stream is full and only that fits", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.editDeadLetters({ max_bytes: 3_000, discard: "new" });
    await stream.publish("e-1", "x".repeat(4_000));
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: never });
    const [letter] = await worker.until("trigger.dead-lettered");
    await stream.settled(1);
    expect(letter?.copy).toBe("without-body");
    await expectBodiless(stream);
    expect(worker.began).toEqual(["e-1"]);
  });

  it.each<[state: string, spoil: (stream: EventStream) => Promise<unknown>]>([
    ["sealed", (stream) => stream.editDeadLetters({ sealed: true })],
    ["deleted", (stream) => stream.manager.streams.delete(stream.deadName)],
    ["smaller than any letter", (stream) => stream.editDeadLetters({ max_msg_size: 10 })],
    [
      "full",
      async (stream) => {
        await stream.jetstream.publish(stream.deadSubject, "another letter");
        await stream.editDeadLetters({ max_msgs: 1, discard: "new" });
      },
    ],
  ])("is lost loudly, and its event is dispatched once, if its stream becomes %s", async (_, spoil) => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const error = new PermanentError("never");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      backoffMs: { firstMs: 5, longestMs: 20 },
      async dispatch() {
        await spoil(stream);
        throw error;
      },
    });
    const [lost] = await worker.until("trigger.dead-letter.lost");
    await stream.settled(1);
    expect(lost).toMatchObject({ reason: "permanent-error", error, letterError: expect.any(Error) });
    expect(worker.of("trigger.dead-lettered")).toEqual([]);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("leaves its message to the next replica if it is not stored when the consumer stops", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      async dispatch() {
        await stream.manager.streams.delete(stream.deadName);
        throw new PermanentError("never");
      },
    });
    await worker.until("trigger.dead-letter.failed");
    await worker.running.stop({ drainMs: 0 });
    expect(worker.of("trigger.nakked")).toMatchObject([{ delay: "none", lost: false }]);
    await stream.addDeadLetters();
    await using next = await startWorker(stream, { dedup: quick(), dispatch: never });
    await next.until("trigger.dead-lettered");
    await stream.settled(1);
  });
});

async function expectBodiless(stream: EventStream): Promise<void> {
  const dead = await stream.dead();
  expect(dead.map(({ data }) => data.length)).toEqual([0]);
  expect(dead[0]?.header.keys().filter((name) => !name.startsWith("Latchkey-"))).toEqual([]);
  expect(Object.fromEntries(dead[0]?.header ?? [])).toMatchObject({
    "Latchkey-Reason": ["permanent-error"],
    "Latchkey-Omitted-Bytes": [expect.stringMatching(/^\d+$/)],
    "Latchkey-Original-Stream": [stream.name],
    "Latchkey-Original-Sequence": ["1"],
  });
}
