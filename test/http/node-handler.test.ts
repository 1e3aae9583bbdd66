import { createServer, request as nodeRequest, type RequestListener } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
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

const deliver = (url: string, body: string) =>
  fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...signGitHub(body, SECRET, 0) } });

describe("a receiver behind node:http", () => {
  it("gets the raw body, so that signatures hold, and answers", async () => {
    const bodies: string[] = [];
    const url = await listen(toNodeHandler(receiver(bodies)));
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

  it("behind a parser that kept no raw bytes, closes the connection", async () => {
    const handle = toNodeHandler(receiver());
    const url = await listen((request, response) => {
      request.resume();
      request.on("end", () => handle(request, response));
    });
    await expect(deliver(url, "{}")).rejects.toThrow();
  });

  it("closes the connection of a sender whose body exceeds the limit, after the answer", async () => {
    const url = new URL(await listen(toNodeHandler(receiver())));
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

  it.each(["GET * HTTP/1.1", "POST http://other/ HTTP/1.1", "POST //[ HTTP/1.1"])(
    "answers %j with a 4xx",
    async (line) => {
      const url = new URL(await listen(toNodeHandler(receiver())));
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(url.port), "127.0.0.1");
        let text = "";
        socket.on("data", (chunk) => {
          text += String(chunk);
          socket.end();
        });
        socket.on("close", () => resolve(text)).on("error", reject);
        socket.write(`${line}\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n`);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    },
  );
});
