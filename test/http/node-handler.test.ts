import { createServer, request as nodeRequest, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import type { WebhookErrorListener } from "../../src/http/error-listener.ts";
import { toNodeHandler } from "../../src/http/node-handler.ts";
import { github } from "../../src/http/sources/github.ts";
import { type Receive, webhook } from "../../src/http/webhook.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { SECRET, signGitHub } from "./signers.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port");
  return `http://127.0.0.1:${address.port}/hook`;
}

function receiver(bodies: string[] = []): Receive {
  const dedup = new Deduplicator({ store: memoryStore() });
  cleanUps.push(() => dedup.close({ drainMs: 0 }));
  return webhook({
    dedup,
    source: github({ secret: SECRET }),
    dispatch: ({ request }) => void bodies.push(Buffer.from(request.body).toString()),
    maxBodyBytes: 200_000,
    onWarning: () => {},
  });
}

const CHUNK = Buffer.alloc(1_048_576);

/** Sends raw bytes and returns the answer. */
function exchange(url: URL, sent: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += String(chunk);
      socket.end();
    });
    socket.on("close", () => resolve(text)).on("error", reject);
    socket.write(sent);
  });
}

const deliver = (url: string, body: string) =>
  fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...signGitHub(body, SECRET, 0) } });

/** A receiver gets requests of `node:http` directly; a function around it gets a `Request`. */
const FORMS: readonly (readonly [string, (receive: Receive) => Receive])[] = [
  ["as it is", (receive) => receive],
  ["inside another function", (receive) => (request) => receive(request)],
];

describe("a receiver behind node:http", () => {
  it.each(FORMS)("%s, gets the raw body, so that signatures hold, and answers", async (_, formOf) => {
    const bodies: string[] = [];
    const url = await listen(toNodeHandler(formOf(receiver(bodies))));
    const body = `{ "text":  "${"ü".repeat(50_000)}" }`;
    expect((await deliver(url, body)).status).toBe(204);
    expect((await deliver(url, body)).status).toBe(200);
    expect(bodies).toEqual([body]);
  });

  it("sends status, headers and body of the response", async () => {
    const respond: Receive = async () =>
      new Response("body", {
        status: 201,
        headers: [
          ["x-a", "1"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
      });
    const response = await fetch(await listen(toNodeHandler(respond)), { method: "POST", body: "" });
    expect([
      response.status,
      response.headers.get("x-a"),
      response.headers.getSetCookie(),
      await response.text(),
    ]).toEqual([201, "1", ["a=1", "b=2"], "body"]);
  });

  it("accepts the raw bytes that a body parser kept", async () => {
    const handle = toNodeHandler(receiver());
    const url = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        Object.assign(request, { rawBody: Buffer.concat(chunks) });
        handle(request, response);
      });
    });
    expect((await deliver(url, "{}")).status).toBe(204);
  });

  it("behind a parser that kept no raw bytes, answers 500 and reports the misuse", async () => {
    const errors: unknown[] = [];
    const onError: WebhookErrorListener = (error, { code }) => errors.push([String(error).slice(0, 45), code]);
    const handle = toNodeHandler(receiver(), { onError });
    const url = await listen((request, response) => {
      request.resume();
      request.on("end", () => handle(request, response));
    });
    expect((await deliver(url, "{}")).status).toBe(500);
    expect(errors).toEqual([["TypeError: The request's body was read before", "misuse"]]);
  });

  it("behind a handler that decodes the body to text, answers 500 and reports the misuse", async () => {
    const errors: unknown[] = [];
    const onError: WebhookErrorListener = (error, { code }) => errors.push(String(error), code);
    const handle = toNodeHandler(receiver(), { onError });
    const url = await listen((request, response) => handle(request.setEncoding("utf8"), response));
    expect((await deliver(url, "{}")).status).toBe(500);
    expect(errors).toEqual(["TypeError: The request's body was decoded to text before the receiver got it", "misuse"]);
  });

  it("answers a request of HTTP/1.0, which names no host", async () => {
    const url = new URL(await listen(toNodeHandler(receiver())));
    expect(await exchange(url, "GET /hook HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 405 /);
  });

  it.each([
    ["405 to another method", "PUT", 405],
    ["413 to a body over the limit", "POST", 413],
  ])("stops reading after %s, and closes the connection", async (_, method, expected) => {
    let socket: Socket | undefined;
    const handle = toNodeHandler(receiver());
    const url = new URL(
      await listen((request, response) => {
        socket = request.socket;
        handle(request, response);
      }),
    );
    const sentBytes = 300 * CHUNK.byteLength;
    const head = `${method} /hook HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n`;
    const sender = connect({ port: Number(url.port), host: "127.0.0.1" });
    let answer = "";
    sender.on("data", (data) => (answer += String(data))).on("error", () => {});
    sender.write(head);
    for (let sent = 0; sent < sentBytes; sent += CHUNK.byteLength) {
      sender.write(`${CHUNK.byteLength.toString(16)}\r\n`);
      sender.write(CHUNK);
      sender.write("\r\n");
    }
    await new Promise((resolve) => sender.once("close", resolve));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${expected} `));
    expect(answer.toLowerCase()).toContain("connection: close");
    expect(socket?.bytesRead).toBeLessThan(8 * CHUNK.byteLength);
  });

  it.each(FORMS)("%s, closes the connection of a sender whose body exceeds the limit", async (_, formOf) => {
    const url = new URL(await listen(toNodeHandler(formOf(receiver()))));
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = nodeRequest(url, { method: "POST" }, (response) => {
        resolve(response.statusCode);
        response.resume();
        request.destroy();
      });
      request.on("error", reject);
      for (let chunk = 0; chunk < 10; chunk += 1) request.write(Buffer.alloc(50_000));
    });
    expect(status).toBe(413);
  });

  it.each([
    ["TRACE /hook HTTP/1.1", "127.0.0.1", 405],
    ["POST /hook HTTP/1.1", "user:password@127.0.0.1", 400],
    ["POST /hook HTTP/1.1", "a b", 400],
    ["POST /hook HTTP/1.1", "127.0.0.1/other?", 400],
    ["POST /hook HTTP/1.1", "127.0.0.1:99999", 400],
  ])("answers %j of the host %j with %d", async (line, host, status) => {
    const url = new URL(await listen(toNodeHandler(receiver())));
    expect(await exchange(url, `${line}\r\nhost: ${host}\r\ncontent-length: 0\r\n\r\n`)).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    );
  });

  it("takes the path from `originalUrl`, which Express keeps for a mounted handler", async () => {
    const urls: string[] = [];
    const handle = toNodeHandler(async ({ url }) => {
      urls.push(new URL(url).pathname);
      return new Response(null, { status: 204 });
    });
    const url = await listen((request, response) => {
      handle(Object.assign(request, { originalUrl: request.url, url: "/" }), response);
    });
    await deliver(url, "{}");
    expect(urls).toEqual(["/hook"]);
  });

  it("answers 500 and reports the error if the receiver rejects", async () => {
    const codes: string[] = [];
    const rejecting = () => Promise.reject(new Error("secret"));
    const url = await listen(toNodeHandler(rejecting, { onError: (_, { code }) => codes.push(code) }));
    const response = await fetch(url);
    expect([response.status, (await response.text()).includes("secret"), codes]).toEqual([500, false, ["misuse"]]);
  });

  it.each(["GET * HTTP/1.1", "POST http://other/ HTTP/1.1", "POST //[ HTTP/1.1"])(
    "answers %j with a 4xx",
    async (line) => {
      const url = new URL(await listen(toNodeHandler(receiver())));
      const answer = await exchange(url, `${line}\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    },
  );
});
