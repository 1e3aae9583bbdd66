import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

/** A request that the endpoint received. */
export interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Number of requests with the same idempotency key so far, including this one. */
  readonly times: number;
}

export type Answer = (request: Received, response: ServerResponse) => void | Promise<void>;

/** An HTTP server on loopback that records its requests. */
export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** Number of requests by idempotency key. */
  counts(): ReadonlyMap<string, number>;
}

export const accept: Answer = (_, response) => void response.writeHead(204).end();

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end();

export async function startEndpoint(answer: Answer = accept): Promise<Endpoint> {
  const received: Received[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const key = String(request.headers["idempotency-key"]);
      const times = (counts.get(key) ?? 0) + 1;
      counts.set(key, times);
      const { method = "", headers } = request;
      const came: Received = { method, headers, body: Buffer.concat(chunks), times };
      received.push(came);
      void answer(came, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    counts: () => counts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
