import {
  ClosedConnectionError,
  DrainingConnectionError,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inboxOf, RequestMultiplexer } from "../../../src/nats/wire/request-multiplexer.ts";
import { eventually } from "../../support/eventually.ts";
import { connected } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";

const users = `authorization { users: [
  { user: any, password: secret },
  { user: mute, password: secret, permissions: { publish: { deny: "forbidden" } } },
  { user: deaf, password: secret, permissions: { subscribe: { deny: "_INBOX.>" } } }
] }`;

let server: NatsServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startNats({ jetstream: false, config: users });
  connection = await login("any");
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

function login(user: string) {
  return connected(server, { user, pass: "secret", reconnectTimeWait: 20 });
}

const soon = { timeoutMs: 20_000 };

describe("an inbox", () => {
  it("is one for all that use a connection", async () => {
    await using other = await login("any");
    expect(inboxOf(connection, undefined)).toBe(inboxOf(connection, undefined));
    expect(inboxOf(other, undefined)).not.toBe(inboxOf(connection, undefined));
  });

  it("gives each request its own answer, in whatever order they come", async () => {
    await using responder = await login("any");
    const held: Array<() => void> = [];
    responder.subscribe("echo", {
      callback: (_, message) => void held.unshift(() => message.respond(message.string())),
    });
    await responder.flush();
    const inbox = inboxOf(connection, undefined);
    const texts = Array.from({ length: 100 }, (_, index) => `text-${index}`);
    const answers = Promise.all(texts.map((text) => inbox.request("echo", text, soon)));
    await eventually("all requests to have come", () => held.length === texts.length || undefined);
    for (const respond of held) respond();
    expect((await answers).map((answer) => answer.string())).toEqual(texts);
  });

  it("waits no longer than it was told to, and drops an answer that comes later, or a second time", async () => {
    let respond: (text: string) => void = () => {};
    connection.subscribe("late", {
      callback: (_, message) => {
        respond = (text) => message.respond(text);
      },
    });
    const inbox = inboxOf(connection, undefined);
    await expect(inbox.request("late", "", { timeoutMs: 20 })).rejects.toThrow(TimeoutError);
    respond("too late");
    const answer = inbox.request("late", "", soon);
    await connection.flush();
    respond("in time");
    respond("twice");
    expect((await answer).string()).toBe("in time");
  });

  it("says when nobody is there to answer", async () => {
    await expect(inboxOf(connection, undefined).request("nobody", "", soon)).rejects.toThrow(NoRespondersError);
  });

  it("says at once what may not be published, and keeps the rest", async () => {
    await using mute = await login("mute");
    const inbox = inboxOf(mute, undefined);
    connection.subscribe("allowed", { callback: (_, message) => void message.respond("yes") });
    await connection.flush();
    const [forbidden, allowed] = await Promise.allSettled([
      inbox.request("forbidden", "", soon),
      inbox.request("allowed", "", soon),
    ]);
    expect(forbidden).toMatchObject({ reason: expect.any(PermissionViolationError) });
    expect(allowed).toMatchObject({ status: "fulfilled" });
  });

  it("says that it may not listen, every time", async () => {
    await using deaf = await login("deaf");
    const inbox = inboxOf(deaf, undefined);
    for (let times = 0; times < 2; times += 1) {
      const violation: unknown = await inbox.request("any", "", soon).catch((error: unknown) => error);
      expect(violation).toBeInstanceOf(PermissionViolationError);
      expect(violation).toMatchObject({ operation: "subscription" });
    }
  });

  it("lets nobody wait for a connection that was closed, and sends nothing on one that drains", async () => {
    const closing = await login("any");
    connection.subscribe("silent", { callback: () => {} });
    await connection.flush();
    const inbox = new RequestMultiplexer(closing, "_INBOX");
    const waiting = inbox.request("silent", "", soon).catch((error: unknown) => error);
    await closing.flush();
    const drained = closing.drain();
    await expect(inbox.request("silent", "", soon)).rejects.toThrow(DrainingConnectionError);
    await drained;
    expect(await waiting).toBeInstanceOf(RequestError);
    const closed = await login("any");
    await closed.close();
    await expect(inboxOf(closed, undefined).request("silent", "", soon)).rejects.toThrow(ClosedConnectionError);
  });

  it("goes on when the connection was lost and came back", async () => {
    const inbox = inboxOf(connection, undefined);
    connection.subscribe("back", { callback: (_, message) => void message.respond("here") });
    expect((await inbox.request("back", "", soon)).string()).toBe("here");
    await connection.reconnect();
    await eventually("an answer", async () => (await inbox.request("back", "", { timeoutMs: 200 })).string());
  });
});
