import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { toNodeHandler } from "../../src/http/node-handler.ts";
import { idempotencyKey } from "../../src/http/sources/idempotency-key.ts";
import { type Receive, webhook } from "../../src/http/webhook.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { listeningPort } from "../support/free-ports.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { Program } from "../support/program.ts";

const EVENTS = 40;
/** Events during whose dispatch the replica that sent them dies, after the effect and before the answer. */
const FATAL: ReadonlySet<string> = new Set(["event-3", "event-17", "event-31"]);

let server: NatsServer;
let folder: string;
let file: string;

beforeAll(async () => {
  server = await startNats();
  folder = await mkdtemp(join(tmpdir(), "latchkey-campaign-"));
  file = join(folder, "events.ndjson");
  const lines = Array.from({ length: EVENTS }, (_, index) =>
    JSON.stringify({
      specversion: "1.0",
      id: `event-${index}`,
      source: "/orders",
      type: "order.paid",
      data: { index },
    }),
  );
  await writeFile(file, `${lines.join("\n")}\n`);
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the effect of the event in a request. */
type Effect = (headers: Headers) => Promise<void>;
type Endpoint = (effect: Effect) => { readonly receive: Receive; close(): Promise<void> };

const guarded: Endpoint = (effect) => {
  const dedup = new Deduplicator({ store: memoryStore() });
  const receive = webhook({
    dedup,
    source: idempotencyKey({ header: "Idempotency-Key", scope: () => "orders" }),
    fenceHeader: "Latchkey-Fence",
    keepResponse: true,
    onWarning: () => {},
    dispatch: ({ request }) => effect(request.headers),
  });
  return { receive, close: () => dedup.close({ drainMs: 0 }) };
};

const unguarded: Endpoint = (effect) => ({
  async receive(request) {
    await effect(request.headers);
    return new Response(null, { status: 204 });
  },
  async close() {},
});

/** Sends the file with two replicas of `latchkey run` that share a bucket. Returns the number of effects of each event. */
async function campaign(endpoint: Endpoint): Promise<Readonly<Record<string, number>>> {
  const books: Record<string, number> = {};
  const replicas = new Map<string, Program>();
  const bucket = `B-${randomUUID()}`;
  const killed = new Set<string>();
  const { receive, close } = endpoint(async (headers) => {
    const event = headers.get("ce-id") ?? "";
    books[event] = (books[event] ?? 0) + 1;
    if (!FATAL.has(event) || killed.has(event)) return;
    killed.add(event);
    await replicas.get(headers.get("x-replica") ?? "")?.kill();
  });
  const http = createServer(toNodeHandler(receive)).listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${listeningPort(http)}/`;

  const startReplica = (name: string) => {
    const options = `--file ${file} --to ${url} --nats ${server.url} --bucket ${bucket} --subscription s --lease 1 --attempts 20 --concurrency 4`;
    const program = new Program(
      `exec node --import tsx src/cli/main.ts run --json ${options} --header "X-Replica: ${name}"`,
    );
    replicas.set(name, program);
    return program.ended();
  };
  // A replica that was killed is replaced, as a supervisor does.
  const supervise = async (name: string) => {
    for (let life = 0; (await startReplica(`${name}${life}`)) === null; life += 1);
  };
  try {
    await Promise.all([supervise("a"), supervise("b")]);
    return books;
  } finally {
    for (const replica of replicas.values()) await replica.kill();
    http.close();
    await close();
  }
}

describe.concurrent("an endpoint of `latchkey run --to` whose senders die between the effect and the answer", () => {
  it("runs every event once behind an idempotency key", async ({ expect }) => {
    const books = await campaign(guarded);
    expect(Object.keys(books)).toHaveLength(EVENTS);
    expect(Object.entries(books).filter(([, effects]) => effects !== 1)).toEqual([]);
  });

  it("runs the interrupted events twice without it, and loses none", async ({ expect }) => {
    const books = await campaign(unguarded);
    expect(Object.keys(books)).toHaveLength(EVENTS);
    for (const event of FATAL) expect(books[event]).toBeGreaterThan(1);
  });
});
