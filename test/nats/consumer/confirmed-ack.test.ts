import { describe, expect, it } from "vitest";
import { type AckAnswer, confirmedAcks } from "../../../src/nats/consumer/confirmed-ack.ts";

const REPLY = "$JS.ACK.EVENTS.worker.1.1.1.1.0";

/** Returns what a consumer's connection published, and a function that answers the last request. */
function connection({ isDraining = false, isClosed = false } = {}) {
  const published: { subject: string; body: string; reply: string }[] = [];
  let receive: (error: null, message: object) => void = () => {};
  return {
    published,
    answer: () => receive(null, { subject: published.at(-1)?.reply, data: new Uint8Array([1]) }),
    publish: (subject: string, body: Uint8Array, { reply }: { reply: string }) => {
      if (isClosed) throw new Error("closed connection");
      published.push({ subject, body: new TextDecoder().decode(body), reply });
    },
    subscribe: (_: string, { callback }: { callback: typeof receive }) => {
      receive = callback;
      return { closed: new Promise(() => {}) };
    },
    status: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    isDraining: () => isDraining,
  };
}

function message(result: Promise<boolean>, shape: object = { reply: REPLY, didAck: false }) {
  const calls = { ackAck: 0 };
  const ackAck = () => {
    calls.ackAck += 1;
    return result;
  };
  return { ...shape, calls, ackAck };
}

/** Acknowledges the message. Returns the answer, and how often the client's own `ackAck` was called. */
async function acknowledged(consumer: object, of: ReturnType<typeof message>, answer = () => {}) {
  const answers = await new Promise<AckAnswer>((resolve) => {
    confirmedAcks(consumer)(of, resolve);
    answer();
  });
  return { answer: answers, byClient: of.calls.ackAck };
}

const never = new Promise<boolean>(() => {});
const consumerOf = (nc: object) => ({ api: { nc, timeout: 5_000 } });

describe("an acknowledgement with confirmation", () => {
  it("goes to the message's reply subject and is confirmed by the server's answer", async () => {
    const nc = connection();
    expect(await acknowledged(consumerOf(nc), message(never), nc.answer)).toEqual({ answer: "confirmed", byClient: 0 });
    expect(nc.published).toEqual([{ subject: REPLY, body: "+ACK", reply: expect.stringMatching(/^_INBOX\.\w+\.1$/) }]);
  });

  it("uses the inbox prefix of the connection", async () => {
    const nc = { ...connection(), options: { inboxPrefix: "_mine" } };
    await acknowledged(consumerOf(nc), message(never), nc.answer);
    expect(nc.published[0]?.reply).toMatch(/^_mine\./);
  });

  it("reports that nothing was sent over a closed connection", async () => {
    expect(await acknowledged(consumerOf(connection({ isClosed: true })), message(never))).toEqual({
      answer: { error: expect.objectContaining({ message: "closed connection" }) },
      byClient: 0,
    });
  });

  it.each([
    ["the consumer does not reveal its connection", {}, undefined],
    ["the consumer has another kind of API", { api: null }, undefined],
    ["the consumer's connection cannot subscribe", consumerOf({ ...connection(), subscribe: undefined }), undefined],
    ["the consumer has no time limit", { api: { nc: connection() } }, undefined],
    ["the connection drains", consumerOf(connection({ isDraining: true })), undefined],
    ["the message does not reveal its reply subject", consumerOf(connection()), { didAck: false }],
    ["the message has no reply subject", consumerOf(connection()), { reply: "", didAck: false }],
    ["the message does not reveal whether it was answered", consumerOf(connection()), { reply: REPLY }],
    ["the message was answered", consumerOf(connection()), { reply: REPLY, didAck: true }],
  ])("is sent by the client if %s", async (_, consumer, shape) => {
    const error = new Error("no answer");
    const results = [Promise.resolve(true), Promise.resolve(false), Promise.reject(error)];
    const all = results.map((result) => acknowledged(consumer, message(result, shape)));
    expect(await Promise.all(all)).toEqual([
      { answer: "confirmed", byClient: 1 },
      { answer: "not sent", byClient: 1 },
      { answer: { error }, byClient: 1 },
    ]);
  });
});
