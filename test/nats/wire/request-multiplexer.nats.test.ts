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
import { multiplexerOf, RequestMultiplexer } from "../../../src/nats/wire/request-multiplexer.ts";
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

describe("RequestMultiplexer", () => {
  it("is shared by everything that uses a connection", async () => {
    await using other = await login("any");
    expect(multiplexerOf(connection, undefined)).toBe(multiplexerOf(connection, undefined));
    expect(multiplexerOf(other, undefined)).not.toBe(multiplexerOf(connection, undefined));
  });

  it("gives each request its own answer, in whatever order the answers arrive", async () => {
    await using responder = await login("any");
    const held: Array<() => void> = [];
    responder.subscribe("echo", {
      callback: (_, message) => void held.unshift(() => message.respond(message.string())),
    });
    await responder.flush();
    const requests = multiplexerOf(connection, undefined);
    const texts = Array.from({ length: 100 }, (_, index) => `text-${index}`);
    const answers = Promise.all(texts.map((text) => requests.request("echo", text, soon)));
    await eventually("all requests to arrive", () => held.length === texts.length || undefined);
    for (const respond of held) respond();
    expect((await answers).map((answer) => answer.string())).toEqual(texts);
  });

  it("times out a request, and drops late and repeated answers", async () => {
    let respond: (text: string) => void = () => {};
    connection.subscribe("late", {
      callback: (_, message) => {
        respond = (text) => message.respond(text);
      },
    });
    const requests = multiplexerOf(connection, undefined);
    await expect(requests.request("late", "", { timeoutMs: 20 })).rejects.toThrow(TimeoutError);
    respond("too late");
    const answer = requests.request("late", "", soon);
    await connection.flush();
    respond("in time");
    respond("twice");
    expect((await answer).string()).toBe("in time");
  });

  it("rejects a request that has no responders", async () => {
    await expect(multiplexerOf(connection, undefined).request("nobody", "", soon)).rejects.toThrow(NoRespondersError);
  });

  it("rejects a forbidden request at once and keeps the others", async () => {
    await using mute = await login("mute");
    const requests = multiplexerOf(mute, undefined);
    connection.subscribe("allowed", { callback: (_, message) => void message.respond("yes") });
    await connection.flush();
    const [forbidden, allowed] = await Promise.allSettled([
      requests.request("forbidden", "", soon),
      requests.request("allowed", "", soon),
    ]);
    expect(forbidden).toMatchObject({ reason: expect.any(PermissionViolationError) });
    expect(allowed).toMatchObject({ status: "fulfilled" });
  });

  it("rejects every request if the connection may not subscribe to its inbox", async () => {
    await using deaf = await login("deaf");
    const requests = multiplexerOf(deaf, undefined);
    for (let times = 0; times < 2; times += 1) {
      const violation: unknown = await requests.request("any", "", soon).catch((error: unknown) => error);
      expect(violation).toBeInstanceOf(PermissionViolationError);
      expect(violation).toMatchObject({ operation: "subscription" });
    }
  });

  it("rejects waiting requests when the connection closes, and sends nothing while it drains", async () => {
    const closing = await login("any");
    connection.subscribe("silent", { callback: () => {} });
    await connection.flush();
    const requests = new RequestMultiplexer(closing, "_INBOX");
    const waiting = requests.request("silent", "", soon).catch((error: unknown) => error);
    await closing.flush();
    const drained = closing.drain();
    await expect(requests.request("silent", "", soon)).rejects.toThrow(DrainingConnectionError);
    await drained;
    expect(await waiting).toBeInstanceOf(RequestError);
    const closed = await login("any");
    await closed.close();
    await expect(multiplexerOf(closed, undefined).request("silent", "", soon)).rejects.toThrow(ClosedConnectionError);
  });

  it("continues after a reconnect", async () => {
    const requests = multiplexerOf(connection, undefined);
    connection.subscribe("back", { callback: (_, message) => void message.respond("here") });
    expect((await requests.request("back", "", soon)).string()).toBe("here");
    await connection.reconnect();
    await eventually("an answer", async () => (await requests.request("back", "", { timeoutMs: 200 })).string());
  });
});
