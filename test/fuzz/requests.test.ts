import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { toNodeHandler } from "../../src/http/node-handler.ts";
import type { Source } from "../../src/http/source.ts";
import { bitbucket } from "../../src/http/sources/bitbucket.ts";
import { cloudEvents } from "../../src/http/sources/cloud-events.ts";
import { github } from "../../src/http/sources/github.ts";
import { gitlab } from "../../src/http/sources/gitlab.ts";
import { idempotencyKey } from "../../src/http/sources/idempotency-key.ts";
import { shopify } from "../../src/http/sources/shopify.ts";
import { slack } from "../../src/http/sources/slack.ts";
import { sns } from "../../src/http/sources/sns.ts";
import { standardWebhooks } from "../../src/http/sources/standard-webhooks.ts";
import { stripe } from "../../src/http/sources/stripe.ts";
import { webhook } from "../../src/http/webhook.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import {
  SECRET,
  type Sign,
  STANDARD_SECRET,
  signBitbucket,
  signGitHub,
  signGitLab,
  signShopify,
  signSlack,
  signStandard,
  signStripe,
} from "../http/signers.ts";
import { listeningPort } from "../support/free-ports.ts";
import { runCount } from "../support/run-count.ts";
import { deepJson } from "./nearly.ts";

/** Signing function and secret of each source. */
const sources: readonly (readonly [source: Source, sign: Sign, secret: string])[] = [
  [github({ secret: SECRET }), signGitHub, SECRET],
  [gitlab({ signingToken: STANDARD_SECRET }), signGitLab, STANDARD_SECRET],
  [bitbucket({ secret: SECRET }), signBitbucket, SECRET],
  [stripe({ secret: SECRET }), signStripe, SECRET],
  [shopify({ secret: SECRET }), signShopify, SECRET],
  [slack({ signingSecret: SECRET }), signSlack, SECRET],
  [standardWebhooks({ secret: STANDARD_SECRET }), signStandard, STANDARD_SECRET],
  [sns({ topicArns: ["arn:1"] }), () => ({}), ""],
  [cloudEvents({ batches: "split" }), () => ({ "content-type": "application/cloudevents-batch+json" }), ""],
  [idempotencyKey(), () => ({ "idempotency-key": "k" }), ""],
];

const oddValue = fc.oneof(
  fc.constantFrom("", "null", "0", "a, b", '"', "%", "%E0%A4", "v1,", "sha256=", "ÿ"),
  fc.string(),
);
const jsonBody = fc.oneof(
  fc.json(),
  fc.constantFrom(deepJson),
  fc
    .array(fc.dictionary(fc.constantFrom("specversion", "id", "source", "type", "data", "event_id"), fc.jsonValue()), {
      maxLength: 3,
    })
    .map((events) => JSON.stringify(events)),
);

function receiver(source: Source) {
  const store = memoryStore();
  const dedup = new Deduplicator({ store });
  const failures: unknown[] = [];
  const receive = webhook({
    dedup,
    source,
    dispatch: () => {},
    maxBodyBytes: 300_000,
    bodyTimeoutMs: 50,
    onWarning: () => {},
    onError: (error) => failures.push(error),
  });
  return { receive, store, dedup, failures };
}

async function statesIn(store: ReturnType<typeof memoryStore>): Promise<ReadonlySet<string>> {
  const states = new Set<string>();
  for await (const { record } of store.list({})) states.add(record.state);
  return states;
}

describe("a receiver with any headers and any JSON", () => {
  it.each(sources)("answers below 500, and leaves no reservation: $name", async (source, sign, secret) => {
    const { receive, store, dedup, failures } = receiver(source);
    await fc.assert(
      fc.asyncProperty(jsonBody, fc.boolean(), fc.nat(), fc.option(oddValue), async (body, isSigned, which, odd) => {
        const headers = new Headers(sign(body, isSigned ? secret : "another secret", Date.now()));
        const names = [...headers.keys()];
        const name = names[which % Math.max(1, names.length)];
        if (name !== undefined && odd !== null && isHeaderValue(odd)) headers.set(name, odd);
        const response = await receive(new Request("http://127.0.0.1/", { method: "POST", body, headers }));
        const text = await response.text();
        expect({ status: response.status, failures }).toMatchObject({ failures: [] });
        expect(response.status).toBeLessThan(500);
        expect(text).not.toMatch(/\n\s+at /);
        if (secret !== "") expect(text).not.toContain(secret);
      }),
      { numRuns: runCount(100) },
    );
    expect((await statesIn(store)).has("reserved")).toBe(false);
    await dedup.close();
  });
});

function isHeaderValue(value: string): boolean {
  try {
    new Headers([["x", value]]);
    return true;
  } catch {
    return false;
  }
}

describe("a server with any bytes of a request", () => {
  const { receive, store, dedup, failures } = receiver(github({ secret: SECRET }));
  let server: Server;

  beforeAll(async () => {
    server = createServer(toNodeHandler(receive, { onError: (error) => failures.push(error) })).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await dedup.close();
  });

  /** Sends bytes and reads until the server closes or has answered. With `ends: false` the sender stays connected and silent. */
  async function exchange(bytes: Uint8Array, ends: boolean): Promise<string> {
    const socket = connect(listeningPort(server), "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", () => {});
    const closed = once(socket, "close");
    socket.write(bytes);
    if (ends) socket.end();
    await closed;
    return answer;
  }

  const body = '{"action":"opened"}';
  const lines = Object.entries({ ...signGitHub(body, SECRET, 0), host: "localhost", connection: "close" });
  const edit = fc.tuple(fc.nat(), fc.constantFrom("drop", "double", "odd"), oddValue);
  const request = fc
    .record({
      start: fc.constantFrom(
        "POST / HTTP/1.1",
        "POST http://a/ HTTP/1.1",
        "PUT / HTTP/1.1",
        "TRACE / HTTP/1.1",
        "POST * HTTP/1.1",
      ),
      framing: fc.constantFrom(
        `content-length: ${body.length}`,
        "content-length: 5",
        "content-length: 999999",
        "transfer-encoding: chunked",
        "content-encoding: gzip",
      ),
      edits: fc.array(edit, { maxLength: 3 }),
      isChunked: fc.boolean(),
      noise: fc.uint8Array({ maxLength: 20 }),
    })
    .map(({ start, framing, edits, isChunked, noise }) => {
      const head = lines.map(([name, value]) => `${name}: ${value}`);
      for (const [at, how, value] of edits) {
        const index = at % head.length;
        const line = head[index] ?? "";
        if (how === "drop") head.splice(index, 1);
        else if (how === "double") head.push(line);
        else head[index] = `${line.split(":")[0]}: ${value}`;
      }
      const sent = isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
      return Buffer.concat([Buffer.from([start, ...head, framing, "", sent].join("\r\n"), "latin1"), noise]);
    });

  it("answers every one within bounded time, never with 500 or more", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (bytes) => {
        const answer = await exchange(bytes, true);
        expect(answer).not.toMatch(/^HTTP\/1\.1 5/m);
        expect(failures).toEqual([]);
      }),
      { numRuns: runCount(60) },
    );
    expect((await statesIn(store)).has("reserved")).toBe(false);
  });

  it("answers 408 to a sender that falls silent in the body", async () => {
    const head = ["POST / HTTP/1.1", "host: localhost", "content-length: 100", "", "{"].join("\r\n");
    expect(await exchange(Buffer.from(head), false)).toMatch(/^HTTP\/1\.1 408/);
  });
});
