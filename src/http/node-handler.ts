import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { problem } from "./problem.ts";
import type { Receive } from "./webhook.ts";

/** A request handler of `node:http`, Express and Connect. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Adapts a receiver to `node:http`. Signatures cover the raw body: mount it before any body parser, or give the parser's raw bytes
 * as `request.rawBody`.
 */
export function toNodeHandler(receive: Receive): NodeHandler {
  return (request, response) => {
    void answer(request, receive)
      .then((answered) => send(answered, response))
      .catch(() => response.destroy());
  };
}

async function answer(request: IncomingMessage, receive: Receive): Promise<Response> {
  const converted = toRequest(request);
  return converted === undefined ? problem("bad-request") : receive(converted);
}

function toRequest(request: IncomingMessage): Request | undefined {
  const { method = "GET", url = "/", headers: incoming } = request;
  const address = `http://${incoming.host ?? "localhost"}${url}`;
  if (!url.startsWith("/") || !URL.canParse(address)) return undefined;
  const headers = new Headers();
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    headers.append(request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? "");
  }
  if (method === "GET" || method === "HEAD") return new Request(address, { method, headers });
  const body = rawBody(request) ?? streamOf(request);
  return new Request(address, { method, headers, body, duplex: "half" });
}

/** Raw bytes that a body parser kept. @throws {TypeError} if a parser has consumed the body and kept none. */
function rawBody(request: IncomingMessage): Uint8Array<ArrayBuffer> | undefined {
  const kept: unknown = Reflect.get(request, "rawBody");
  if (kept instanceof Uint8Array) return new Uint8Array(kept);
  if (!request.readableDidRead) return undefined;
  throw new TypeError(
    "The request's body was read before the receiver got it. Mount the receiver before body parsers, or keep `rawBody`",
  );
}

function streamOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        for await (const chunk of request) {
          if (chunk instanceof Uint8Array) controller.enqueue(chunk);
        }
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
}

async function send(answered: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answered.status;
  response.setHeaders(answered.headers);
  if (answered.body === null) response.end();
  else await pipeline(Readable.fromWeb(answered.body), response);
}
