import { createHmac } from "node:crypto";
import { Deduplicator, memoryStore, StoreUnavailableError } from "latchkey";
import { github, type WebhookDispatch, webhook } from "latchkey/http";
import { afterEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/internal/deferred.ts";
import { WEBHOOK_SERVERS } from "./webhook-servers.ts";

const SECRET = "secret-of-the-examples";
const BODY = '{"action":"opened"}';
const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

describe.each(Object.entries(WEBHOOK_SERVERS))("a receiver mounted in %s", (_, startServer) => {
  async function start(dispatch: WebhookDispatch = () => {}, store = memoryStore()) {
    const dedup = new Deduplicator({ store });
    const receive = webhook({
      dedup,
      dispatch,
      source: github({ secret: SECRET }),
      onWarning: () => {},
      onError: () => {},
    });
    const server = await startServer(receive, dedup);
    cleanUps.push(async () => {
      await server.close();
      await dedup.close({ drainMs: 0 });
    });
    return async (body: string, headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(`${server.url}/webhooks/github`, {
        method: "POST",
        body,
        headers: { ...signed(body), connection: "close", ...headers },
      });
      return { status: response.status, retryAfter: response.headers.get("retry-after"), text: await response.text() };
    };
  }

  it("dispatches the first delivery with its parsed body, and answers 204", async () => {
    const bodies: unknown[] = [];
    const deliver = await start(({ body }) => void bodies.push(body));
    expect(await deliver(BODY)).toMatchObject({ status: 204 });
    expect(bodies).toEqual([{ action: "opened" }]);
  });

  it("answers 200 to a redelivery and dispatches nothing", async () => {
    const dispatches: string[] = [];
    const deliver = await start(({ id }) => void dispatches.push(id));
    await deliver(BODY);
    expect(await deliver(BODY)).toMatchObject({ status: 200 });
    expect(dispatches).toHaveLength(1);
  });

  it("answers 409 with Retry-After to a redelivery while the event is being dispatched", async () => {
    const began = new Deferred<void>();
    const end = new Deferred<void>();
    const deliver = await start(() => {
      began.resolve(undefined);
      return end.promise;
    });
    const first = deliver(BODY);
    await began.promise;
    expect(await deliver(BODY)).toMatchObject({ status: 409, retryAfter: expect.stringMatching(/^\d+$/) });
    end.resolve(undefined);
    expect(await first).toMatchObject({ status: 204 });
  });

  it("dispatches the redelivery of an event whose dispatch failed", async () => {
    let dispatches = 0;
    const deliver = await start(() => {
      dispatches += 1;
      if (dispatches === 1) throw new Error("the database is away");
    });
    expect(await deliver(BODY)).toMatchObject({ status: 500, text: expect.not.stringContaining("database") });
    expect(await deliver(BODY)).toMatchObject({ status: 204 });
  });

  it("answers 401 to a wrong signature and dispatches nothing", async () => {
    const dispatches: string[] = [];
    const deliver = await start(({ id }) => void dispatches.push(id));
    expect(await deliver(BODY, signed(`${BODY} `))).toMatchObject({ status: 401 });
    expect(dispatches).toEqual([]);
  });

  it("answers 413 to a body that is too large", async () => {
    const deliver = await start();
    expect(await deliver(JSON.stringify("x".repeat(2 * 1_024 * 1_024)))).toMatchObject({ status: 413 });
  });

  it("answers 503 with Retry-After while the store is unavailable", async () => {
    const put = () => Promise.reject(new StoreUnavailableError("gone", { ambiguous: false }));
    const deliver = await start(() => {}, { ...memoryStore(), put });
    expect(await deliver(BODY)).toMatchObject({ status: 503, retryAfter: "5" });
  });
});

function signed(body: string): Readonly<Record<string, string>> {
  return {
    "content-type": "application/json",
    "x-github-event": "issues",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-github-hook-id": "292430182",
    "x-github-hook-installation-target-id": "79929171",
    "x-github-hook-installation-target-type": "repository",
    "x-hub-signature-256": `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
  };
}
