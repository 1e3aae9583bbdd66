import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Handler } from "./handler.ts";
import { problem } from "./responses.ts";

/** A body longer than this is none of our pages'. */
const LONGEST_BODY = 10_000;

/** A handler behind a `node:http` server. */
export function nodeServer(handler: Handler): Server {
  return createServer({ requestTimeout: 10_000 }, (request, response) => {
    // Neither a reader that has gone nor a request that breaks off is any matter of ours.
    void answerTo(request, handler)
      .then((answer) => send(answer, response))
      .catch(() => response.destroy());
  });
}

async function answerTo(request: IncomingMessage, handler: Handler): Promise<Response> {
  const { method = "GET", url = "", headers } = request;
  const address = `http://${headers.host ?? ""}${url}`;
  if (!url.startsWith("/") || !URL.canParse(address)) return problem("wrong-request", "That is no address");
  const body = await bodyOf(request);
  if (body === undefined) return problem("wrong-request", "That is longer than anything that is asked here");
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
    if (length > LONGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Takes the next piece of the answer when the last one has gone out: what the reader is slow to take is not even made. */
async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const reader = answer.body?.getReader();
  if (reader === undefined) {
    response.end();
    return;
  }
  const leave = (): void => void reader.cancel();
  response.once("close", leave);
  response.flushHeaders();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (!response.write(piece.value)) await takenBy(response);
  }
  response.off("close", leave).end();
}

/** Resolves when the reader has taken what was written, or has gone. */
function takenBy(response: ServerResponse): Promise<void> {
  if (response.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.once("drain", done).once("close", done);
  });
}
