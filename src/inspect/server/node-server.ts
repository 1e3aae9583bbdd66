import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { RequestHandler } from "./handler.ts";
import { problem } from "./responses.ts";

/** Maximum length of a request body. The page never sends more. */
const MAX_BODY_BYTES = 10_000;

/** Creates a `node:http` server for a handler. */
export function nodeServer(handler: RequestHandler): Server {
  return createServer({ requestTimeout: 10_000 }, (request, response) => {
    // A broken connection needs no handling: the client asks again.
    void answerTo(request, handler)
      .then((answer) => send(answer, response))
      .catch(() => response.destroy());
  });
}

async function answerTo(request: IncomingMessage, handler: RequestHandler): Promise<Response> {
  const { method = "GET", url = "", headers } = request;
  const address = `http://${headers.host ?? ""}${url}`;
  if (!url.startsWith("/") || !URL.canParse(address))
    return problem("wrong-request", "The request has no valid address");
  const body = await bodyOf(request);
  if (body === undefined) return problem("wrong-request", `The request body is longer than ${MAX_BODY_BYTES} bytes`);
  return handler(new Request(address, { method, headers: headersOf(request), ...(method === "POST" ? { body } : {}) }));
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  rawHeaders.forEach((name, index) => {
    if (index % 2 === 0) headers.append(name, rawHeaders[index + 1] ?? "");
  });
  return headers;
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Sends a response chunk by chunk. Waiting for the client keeps a slow reader from filling memory. */
async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const reader = answer.body?.getReader();
  if (reader === undefined) {
    response.end();
    return;
  }
  const cancel = (): void => void reader.cancel();
  response.once("close", cancel);
  response.flushHeaders();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (!response.write(chunk.value)) await drained(response);
  }
  response.off("close", cancel).end();
}

/** Resolves when the client has read everything, or has disconnected. */
function drained(response: ServerResponse): Promise<void> {
  if (response.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.once("drain", done).once("close", done);
  });
}
