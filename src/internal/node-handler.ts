import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { delay, systemClock } from "./clock.ts";

/** A request handler of `node:http`, Express and Connect. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers of a handler, also to requests that cannot reach it. */
export interface NodeAnswers {
  /** Answers a request. @throws {TypeError} if a parser has consumed the body and kept none. */
  readonly handle: (request: IncomingMessage, url: URL) => Promise<Response>;
  readonly badRequest: () => Response;
  readonly methodNotAllowed: () => Response;
  /** Answers after `handle` rejected, or after a body parser consumed the body. */
  readonly failed: (error: unknown) => Response;
}

/** Time for a refused sender to read the answer before its connection closes. A close with unread bytes may discard the answer. */
const LINGER_MS = 1_000;
/** Methods that `Request` refuses. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Adapts a handler to `node:http`. A connection whose request body was not read to its end closes after the answer. */
export function nodeHandler(answers: NodeAnswers): NodeHandler {
  return (request, response) => {
    void answer(request, answers)
      .catch((error: unknown) => answers.failed(error))
      .then((answered) => send(answered, request, response))
      .catch(() => response.destroy());
  };
}

async function answer(request: IncomingMessage, answers: NodeAnswers): Promise<Response> {
  if (FORBIDDEN_METHODS.has(request.method ?? "")) return answers.methodNotAllowed();
  const url = urlOf(request);
  return url === undefined ? answers.badRequest() : answers.handle(request, url);
}

/** Host names, IPv4 and IPv6 addresses, with an optional port. */
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Returns the URL of a request in origin form. Express removes the mount path from `url` and keeps it in `originalUrl`. */
function urlOf(request: IncomingMessage): URL | undefined {
  const original: unknown = Reflect.get(request, "originalUrl");
  const path = typeof original === "string" ? original : (request.url ?? "/");
  const host = request.headers.host ?? "localhost";
  const address = `http://${host}${path}`;
  return path.startsWith("/") && HOST.test(host) && URL.canParse(address) ? new URL(address) : undefined;
}

/** Returns the headers as they arrived. */
export function requestHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  }
  return headers;
}

/** Returns a request whose body is read on demand. @throws {TypeError} if a parser has consumed the body and kept none. */
export function toRequest(request: IncomingMessage, url: URL): Request {
  const { method = "GET" } = request;
  const headers = requestHeaders(request);
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  const body = keptBody(request) ?? streamOf(request);
  return new Request(url, { method, headers, body, duplex: "half" });
}

/** Message of the error for a body of text, whose bytes are lost. */
export const DECODED = "The request's body was decoded to text before the receiver got it";

/** Raw bytes that a body parser kept. @throws {TypeError} if a parser has consumed the body and kept none, or decodes it. */
export function keptBody(request: IncomingMessage): Uint8Array<ArrayBuffer> | undefined {
  const kept: unknown = Reflect.get(request, "rawBody");
  if (kept instanceof Uint8Array) return new Uint8Array(kept);
  if (request.readableEncoding !== null) throw new TypeError(DECODED);
  if (!request.readableDidRead) return undefined;
  throw new TypeError(
    "The request's body was read before the receiver got it. Mount the receiver before body parsers, or keep `rawBody`",
  );
}

/** Reads a chunk only when asked. `Readable.toWeb` would destroy the connection on `cancel`, before the answer. */
function streamOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = request.iterator({ destroyOnReturn: false });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next: IteratorResult<unknown> = await chunks.next();
        if (next.done === true) controller.close();
        else if (next.value instanceof Uint8Array) controller.enqueue(next.value);
        else throw new TypeError(DECODED);
      },
    },
    { highWaterMark: 0 },
  );
}

async function send(answered: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.statusCode = answered.status;
  response.setHeaders(answered.headers);
  if (!request.complete) await sendAndClose(answered, request, response);
  else if (answered.body === null) response.end();
  else await pipeline(Readable.fromWeb(answered.body), response);
}

/** Answers without reading on. Ending the response would read or reset what the sender still sends. */
async function sendAndClose(answered: Response, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = new Uint8Array(await answered.arrayBuffer());
  response.setHeader("connection", "close");
  response.setHeader("content-length", body.byteLength);
  response.flushHeaders();
  response.write(body);
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  await delay(systemClock, LINGER_MS, [closed.signal]);
  request.destroy();
}
