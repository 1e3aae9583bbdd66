import { type JetStreamClient, jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { connect, type NatsConnection, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveIdentity } from "../../src/model/identity.ts";
import { publishOnce } from "../../src/nats/index.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { startProxy } from "../support/tcp-proxy.ts";

let server: NatsServer;
let nc: NatsConnection;
let js: JetStreamClient;
let streams = 0;

beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
  js = jetstream(nc);
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

/** Creates a stream for `<name>` and `<name>.*`, and returns its name. */
async function stream(config: Partial<StreamConfig> = {}): Promise<string> {
  streams += 1;
  const name = `once-${streams}`;
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name, subjects: [name, `${name}.*`], ...config });
  return name;
}

async function stored(name: string): Promise<number> {
  const jsm = await jetstreamManager(nc);
  return (await jsm.streams.info(name)).state.messages;
}

const reservation = { idempotencyKey: "trigger.dedup.v1:abc", fence: 7 } as const;

describe("G12 publishOnce", () => {
  it("stores one message, however often and concurrently it is called", async () => {
    const name = await stream();
    const all = await Promise.all(Array.from({ length: 20 }, () => publishOnce(js, name, "paid", reservation)));
    expect(await stored(name)).toBe(1);
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(all.map(({ seq, stream }) => `${stream}/${seq}`))).toEqual(new Set([`${name}/1`]));
  });

  it("recognises the message beyond the duplicate window, for as long as the stream keeps it", async () => {
    const name = await stream({ duplicate_window: nanos(100) });
    await publishOnce(js, name, "paid", reservation);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await publishOnce(js, name, "paid", reservation)).toMatchObject({ duplicate: true, seq: 1 });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.purge(name);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await publishOnce(js, name, "paid", reservation)).toMatchObject({ duplicate: false, seq: 2 });
  });

  it("recognises the message within the duplicate window, under the subject itself", async () => {
    const name = await stream({ duplicate_window: nanos(60_000), retention: "workqueue" });
    const first = await publishOnce(js, name, "paid", reservation, { withinMs: 60_000 });
    const second = await publishOnce(js, name, "paid", reservation, { withinMs: 60_000 });
    expect([first, second]).toMatchObject([
      { subject: name, duplicate: false, seq: 1 },
      { subject: name, duplicate: true, seq: 1 },
    ]);
    expect(await stored(name)).toBe(1);
  });

  it.each([{}, { withinMs: 60_000 }])("keeps tenants, subjects and names apart with %j", async (options) => {
    const [name, other] = [await stream(), await stream()];
    const of = (workspaceId: string) => resolveIdentity({ workspaceId, subscriptionId: "s", eventId: "e" });
    for (const tenant of ["a", "b"]) {
      const { idempotencyKey } = of(tenant);
      for (const subject of [name, other]) {
        for (const message of ["first", "second", "first"]) {
          await publishOnce(js, subject, message, { idempotencyKey, fence: 1 }, { ...options, name: message });
        }
      }
    }
    expect([await stored(name), await stored(other)]).toEqual([4, 4]);
  });

  it.each([{}, { withinMs: 60_000 }])("stores one message if the answer is lost, with %j", async (options) => {
    const name = await stream();
    await using proxy = await startProxy(server.port);
    const through = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    const client = jetstream(through);
    await publishOnce(client, name, "first", { ...reservation, idempotencyKey: "trigger.dedup.v1:other" }, options);
    proxy.swallowAnswersTo("Latchkey-Fence");
    const lost = publishOnce(client, name, "paid", reservation, { ...options, timeoutMs: 700 });
    await expect(lost).rejects.toMatchObject({ code: "store-unavailable", ambiguous: true });
    proxy.heal();
    expect(await publishOnce(js, name, "paid", reservation, options)).toMatchObject({ duplicate: true });
    expect(await stored(name)).toBe(2);
    await through.close();
  });

  it("sends key, fence and its own headers", async () => {
    const name = await stream();
    const { subject } = await publishOnce(js, name, "paid", reservation);
    const jsm = await jetstreamManager(nc);
    const message = await jsm.streams.getMessage(name, { last_by_subj: subject });
    expect(message?.header.get("Latchkey-Idempotency-Key")).toBe(reservation.idempotencyKey);
    expect(message?.header.get("Latchkey-Fence")).toBe("7");
  });

  it("refuses a stream that cannot keep the promise, and says why", async () => {
    const queue = await stream({ retention: "workqueue" });
    await expect(publishOnce(js, queue, "paid", reservation)).rejects.toMatchObject({
      code: "store-misconfigured",
      message: expect.stringMatching(/retention must be limits, not workqueue.*`withinMs`/),
    });
    const short = await stream({ duplicate_window: nanos(1_000) });
    await expect(publishOnce(js, short, "paid", reservation, { withinMs: 60_000 })).rejects.toThrow(
      "its `duplicate_window` must be at least `withinMs`, 60000 ms, got 1000 ms",
    );
    const moved = await stream({ subject_transform: { src: ">", dest: "moved.>" } });
    await expect(publishOnce(js, moved, "paid", reservation)).rejects.toThrow("it must have no `subject_transform`");
    const counters = await stream({ allow_msg_counter: true });
    await expect(publishOnce(js, counters, "paid", reservation)).rejects.toThrow("`allow_msg_counter` must be off");
    const sealed = await stream();
    const jsm = await jetstreamManager(nc);
    await jsm.streams.update(sealed, Object.assign((await jsm.streams.info(sealed)).config, { sealed: true }));
    await expect(publishOnce(js, sealed, "paid", reservation)).rejects.toThrow("it must not be sealed");
    const early = await stream({ persist_mode: "async" });
    await expect(publishOnce(js, early, "paid", reservation)).rejects.toThrow("`persist_mode` must not be `async`");
    const silent = await stream({ no_ack: true });
    await expect(publishOnce(js, silent, "paid", reservation)).rejects.toThrow("`no_ack` must be off");
    await expect(publishOnce(js, "no-stream", "paid", reservation)).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
    });
  });

  it.each([{}, { withinMs: 60_000 }])("refuses a message that is too large at once, with %j", async (options) => {
    const small = await stream({ max_msg_size: 500 });
    const message = /larger than `max_msg_size` of stream once-\d+, or than the server's `max_payload`/;
    for (const [name, bytes] of [
      [small, 1_000],
      [await stream(), 2_000_000],
    ] as const) {
      await expect(publishOnce(js, name, "x".repeat(bytes), reservation, options)).rejects.toMatchObject({
        code: "record-too-large",
        message: expect.stringMatching(message),
      });
      expect(await stored(name)).toBe(0);
    }
  });

  it("gives up at once if the stream refuses the message, and is not in doubt", async () => {
    const full = await stream({ max_msgs: 1, discard: "new" });
    await publishOnce(js, full, "first", reservation);
    const other = { ...reservation, idempotencyKey: "trigger.dedup.v1:other" } as const;
    await expect(publishOnce(js, full, "second", other)).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
    });
    expect(await publishOnce(js, full, "first", reservation)).toMatchObject({ duplicate: true, seq: 1 });
  });

  it.each([
    ["a.*", {}, "subject"],
    ["a", { withinMs: 0 }, "withinMs"],
    ["a", { timeoutMs: 0 }, "timeoutMs"],
  ])("names the wrong argument: %s %j", async (subject, options, field) => {
    await expect(publishOnce(js, subject, "", reservation, options)).rejects.toThrow(`Expected \`${field}\` to be`);
  });
});
