import { createServer } from "node:http";
import { Deduplicator, memoryStore } from "latchkey";
import { idempotencyKey, toNodeHandler, webhook } from "latchkey/http";

// Starts one run per event. It repeats no run for a repeated Idempotency-Key, and keeps books of what it did.

const port = Number(process.env["PORT"] ?? 8081);
const dedup = new Deduplicator({ store: memoryStore() });
const books = { requests: 0, runs: 0, keys: new Set<string>() };

const receive = webhook({
  dedup,
  source: idempotencyKey({ scope: () => "runs" }),
  fenceHeader: "Latchkey-Fence",
  keepResponse: true,
  dispatch({ id }) {
    books.runs += 1;
    books.keys.add(id);
    return Response.json({ run: books.runs }, { status: 201 });
  },
});
const handle = toNodeHandler(receive);

const server = createServer((request, response) => {
  if (request.method === "GET") {
    const { requests, runs, keys } = books;
    response
      .setHeader("content-type", "application/json")
      .end(`${JSON.stringify({ requests, runs, events: keys.size })}\n`);
  } else {
    books.requests += 1;
    handle(request, response);
  }
}).listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}`));
process.once("SIGTERM", () => {
  server.close();
  void dedup.close({ drainMs: 10_000 });
});
