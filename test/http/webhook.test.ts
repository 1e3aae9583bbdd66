import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { PermanentError, StoreUnavailableError } from "../../src/errors.ts";
import { enqueue } from "../../src/http/enqueue.ts";
import { jsonObject } from "../../src/http/fields.ts";
import type { Source } from "../../src/http/source.ts";
import { bitbucket } from "../../src/http/sources/bitbucket.ts";
import { cloudEvents } from "../../src/http/sources/cloud-events.ts";
import { github } from "../../src/http/sources/github.ts";
import { idempotencyKey } from "../../src/http/sources/idempotency-key.ts";
import { slack } from "../../src/http/sources/slack.ts";
import { sns } from "../../src/http/sources/sns.ts";
import { stripe } from "../../src/http/sources/stripe.ts";
import type { WebhookWarning } from "../../src/http/warnings.ts";
import { type DispatchOptions, webhook } from "../../src/http/webhook.ts";
import { Deferred } from "../../src/internal/deferred.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { sizeLimitedStore } from "../support/size-limited-store.ts";
import { SECRET, signBitbucket, signGitHub, signSlack } from "./signers.ts";

const opened: Deduplicator[] = [];
afterEach(async () => {
  for (const dedup of opened.splice(0)) await dedup.close({ drainMs: 0 });
});

function receiver(options: Partial<DispatchOptions> = {}, store = memoryStore()) {
  const dedup = new Deduplicator({ store });
  opened.push(dedup);
  const dispatched: unknown[] = [];
  const errors: (readonly [code: string, error: string, type: string | undefined])[] = [];
  const receive = webhook({
    dedup,
    source: github({ secret: SECRET }),
    dispatch: ({ body }) => void dispatched.push(body),
    onWarning: () => {},
    onError: (error, { code, event }) => errors.push([code, String(error), event?.type]),
    ...options,
  });
  return { receive, dedup, dispatched, errors, store };
}

/** A dispatch that waits until it is released. */
function blocked() {
  const began = new Deferred<void>();
  const gate = new Deferred<void>();
  const dispatch = async (): Promise<void> => {
    began.resolve(undefined);
    await gate.promise;
  };
  return { dispatch, began: began.promise, release: () => gate.resolve(undefined) };
}

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>) =>
  new Request("http://127.0.0.1/hook", { method: "POST", body, headers });
const delivery = (body = '{"action":"opened"}', more: Readonly<Record<string, string>> = {}) =>
  post(body, { ...signGitHub(body, SECRET, 0), ...more });

async function problemOf(response: Response): Promise<unknown> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const details: unknown = await response.json();
  expect(details).toMatchObject({ status: response.status });
  return details;
}

const recordsOf = async (store: ReturnType<typeof memoryStore>) => {
  const records: DedupRecord[] = [];
  for await (const { record } of store.list({})) records.push(record);
  return records;
};
const keysOf = async (store: ReturnType<typeof memoryStore>) => (await recordsOf(store)).map(({ state }) => state);

describe("a receiver of webhooks", () => {
  it("answers 204 after the dispatch, and 200 to every redelivery without dispatching again", async () => {
    const { receive, dispatched } = receiver();
    expect((await receive(delivery())).status).toBe(204);
    for (let again = 0; again < 3; again += 1) expect((await receive(delivery())).status).toBe(200);
    expect(dispatched).toEqual([{ action: "opened" }]);
  });

  it("answers with the response of the handler", async () => {
    const { receive } = receiver({
      dispatch: () => Response.json({ run: 1 }, { status: 201, headers: { "x-run": "1" } }),
    });
    const response = await receive(delivery());
    expect([response.status, response.headers.get("x-run"), await response.json()]).toEqual([201, "1", { run: 1 }]);
  });

  it("gives the handler the payload of a form, as GitHub sends it by default", async () => {
    const { receive, dispatched } = receiver();
    const form = String(new URLSearchParams({ payload: '{"action":"opened","text":"a+b & ü"}' }));
    const answered = await receive(delivery(form, { "content-type": "application/x-www-form-urlencoded" }));
    expect(answered.status).toBe(204);
    expect(dispatched).toEqual([{ action: "opened", text: "a+b & ü" }]);
  });

  it("gives the handler the event, the raw body and the reservation", async () => {
    const seen: unknown[] = [];
    const { receive } = receiver({
      dispatch: ({ source, id, type, request, reservation, signal }) =>
        void seen.push([source, id, type, Buffer.from(request.body).toString(), reservation.fence, signal.aborted]),
    });
    await receive(delivery());
    expect(seen).toEqual([
      [
        "/github/repository/79929171/hooks/292430182",
        "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "com.github.push.opened",
        '{"action":"opened"}',
        1,
        false,
      ],
    ]);
  });

  it("answers 409 with Retry-After while the event is being dispatched", async () => {
    const { dispatch, began, release } = blocked();
    const { receive } = receiver({ dispatch });
    const first = receive(delivery());
    await began;
    const response = await receive(delivery());
    expect(response.status).toBe(409);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    release();
    expect((await first).status).toBe(204);
  });

  it("answers 503 instead of 409 to a sender that gives up after a client error", async () => {
    const { dispatch, began, release } = blocked();
    const { receive } = receiver({ dispatch, source: bitbucket({ secret: SECRET }) });
    const body = '{"push":{}}';
    const repeated = () => receive(post(body, signBitbucket(body, SECRET, 0)));
    const first = repeated();
    await began;
    const response = await repeated();
    expect(await problemOf(response)).toMatchObject({ status: 503, code: "pending" });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    release();
    expect((await first).status).toBe(204);
    expect(sns({ topicArns: ["arn:aws:sns:eu-west-1:1:topic"] }).retriesOnlyServerErrors).toBe(true);
  });

  it("answers 500 if the dispatch throws, without its message, and dispatches the retry", async () => {
    let attempts = 0;
    const { receive, store } = receiver({
      dispatch: () => {
        attempts += 1;
        if (attempts === 1) throw new Error("the password is hunter2");
      },
    });
    const response = await receive(delivery());
    expect(JSON.stringify(await problemOf(response.clone()))).not.toContain("hunter2");
    expect(response.status).toBe(500);
    expect(await keysOf(store)).toEqual([]);
    expect((await receive(delivery())).status).toBe(204);
  });

  it("answers 422 if the dispatch throws a PermanentError", async () => {
    const { receive } = receiver({
      dispatch: () => {
        throw new PermanentError("no such customer");
      },
    });
    expect(await problemOf(await receive(delivery()))).toMatchObject({ status: 422, code: "permanent" });
  });

  it("answers 422 to every redelivery of an event whose PermanentError is remembered, without dispatching it", async () => {
    const dedup = new Deduplicator({ store: memoryStore(), onPermanentError: "remember" });
    opened.push(dedup);
    let dispatches = 0;
    const dispatch = () => {
      dispatches += 1;
      throw new PermanentError("no such customer");
    };
    const { receive } = receiver({ dedup, dispatch });
    for (let delivered = 0; delivered < 3; delivered += 1) expect((await receive(delivery())).status).toBe(422);
    expect(dispatches).toBe(1);
  });

  it("answers 422 to another payload under an unsigned id", async () => {
    const { receive, dispatched } = receiver();
    await receive(delivery());
    expect(await problemOf(await receive(delivery('{"action":"closed"}')))).toMatchObject({
      status: 422,
      code: "payload-mismatch",
    });
    expect(dispatched).toHaveLength(1);
  });

  it("answers 503 with Retry-After while the store is unavailable", async () => {
    const put = () => Promise.reject(new StoreUnavailableError("gone", { ambiguous: false }));
    const { receive, dispatched } = receiver({}, { ...memoryStore(), put });
    const response = await receive(delivery());
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await problemOf(response)).toMatchObject({ status: 503, code: "unavailable" });
    expect(dispatched).toEqual([]);
  });

  it.each([
    ["400 to an id that is too long for the store", 1_500, 400, "no-identity"],
    ["503 if the store's limit is too low for any event", 5, 503, "unavailable"],
  ])("answers %s", async (_, idLength, status, code) => {
    const { receive, dispatched } = receiver(
      {},
      sizeLimitedStore(memoryStore(), () => ({ maxBytes: idLength, as: "too large" })),
    );
    const response = await receive(delivery("{}", { "x-github-delivery": "d".repeat(idLength) }));
    expect(await problemOf(response)).toMatchObject({ status, code });
    expect(dispatched).toEqual([]);
  });

  it("answers 503 after the deduplicator is closed, and finishes running dispatches first", async () => {
    const { dispatch, began, release } = blocked();
    const { receive, dedup } = receiver({ dispatch });
    const running = receive(delivery());
    await began;
    const closed = dedup.close({ drainMs: 10_000 });
    expect((await receive(delivery("{}", { "x-github-delivery": "later" }))).status).toBe(503);
    release();
    await closed;
    expect((await running).status).toBe(204);
  });

  it("does not abort a dispatch when the sender disconnects", async () => {
    const { dispatch, began, release } = blocked();
    const sender = new AbortController();
    let wasAborted: boolean | undefined;
    const { receive } = receiver({
      dispatch: async ({ signal }) => {
        await dispatch();
        wasAborted = signal.aborted;
      },
    });
    const body = '{"action":"opened"}';
    const request = new Request("http://127.0.0.1/hook", {
      method: "POST",
      body,
      headers: signGitHub(body, SECRET, 0),
      signal: sender.signal,
    });
    const answer = receive(request);
    await began;
    sender.abort();
    release();
    await answer;
    expect(wasAborted).toBe(false);
  });
});

describe("a request", () => {
  const cases: readonly (readonly [name: string, request: () => Request, status: number, code: string])[] = [
    ["another method", () => new Request("http://127.0.0.1/hook"), 405, "method-not-allowed"],
    [
      "a wrong signature",
      () => delivery("{}", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }),
      401,
      "bad-signature",
    ],
    ["no signature", () => post("{}", { "x-github-delivery": "1" }), 401, "bad-signature"],
    ["no identity", () => post("{}", pick(signGitHub("{}", SECRET, 0), "x-hub-signature-256")), 400, "no-identity"],
    ["a body over the limit", () => delivery(JSON.stringify("x".repeat(2_000))), 413, "too-large"],
    ["a declared length over the limit", () => post("{}", { "content-length": "1000000" }), 413, "too-large"],
    [
      "a body that breaks off",
      () => streaming((controller) => controller.error(new Error("reset"))),
      400,
      "bad-request",
    ],
    ["a body that never ends", () => streaming(() => {}), 408, "too-slow"],
  ];

  it.each(cases)("reserves nothing and is not dispatched if it is refused: %s", async (_, request, status, code) => {
    const { receive, dispatched, store } = receiver({ maxBodyBytes: 1_000, bodyTimeoutMs: 20 });
    expect(await problemOf(await receive(request()))).toMatchObject({ status, code });
    expect(dispatched).toEqual([]);
    expect(await keysOf(store)).toEqual([]);
  });

  it("is not read on once its body exceeds the limit", async () => {
    let sent = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(new Uint8Array(100));
      },
      cancel: () => {
        isCancelled = true;
      },
    });
    const { receive } = receiver({ maxBodyBytes: 1_000 });
    const request = new Request("http://127.0.0.1/", { method: "POST", body, duplex: "half" });
    expect((await receive(request)).status).toBe(413);
    expect(sent).toBeLessThan(20);
    expect(isCancelled).toBe(true);
  });

  it("never gets a 5xx and never leaves a reservation, for any headers and any body", async () => {
    const { receive, store } = receiver({ maxBodyBytes: 1_000 });
    const name = fc.constantFrom(
      ...Object.keys(signGitHub("", SECRET, 0)),
      "content-type",
      "content-length",
      "x-other",
    );
    const value = fc.string({ unit: fc.constantFrom("a", "0", ",", " ", "=", '"', "\\", ";", "ÿ"), maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value), fc.uint8Array({ maxLength: 1_200 }), async (headers, bytes) => {
        const response = await receive(post(new Uint8Array(bytes), headers));
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect(await keysOf(store)).toEqual([]);
      }),
    );
  });

  it("gets an answer below 500 and commits its key if it is signed, for any ids and bodies", async () => {
    const { receive, store } = receiver();
    const id = fc.string({ unit: fc.constantFrom("a", "%", "/", "ÿ", "[", '"', ","), minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(id, id, fc.string({ unit: "binary" }), async (deliveryId, hook, body) => {
        const headers = { ...signGitHub(body, SECRET, 0), "x-github-delivery": deliveryId, "x-github-hook-id": hook };
        expect((await receive(post(body, headers))).status).toBeLessThan(500);
        expect(new Set(await keysOf(store)).has("reserved")).toBe(false);
      }),
    );
  });
});

describe("a batch of CloudEvents", () => {
  const event = (id: string, data: unknown = id) => ({ specversion: "1.0", id, source: "/s", type: "t", data });
  const batch = (...events: readonly unknown[]) =>
    post(JSON.stringify(events), { "content-type": "application/cloudevents-batch+json" });
  const source = cloudEvents({ batches: "split" });

  it("is dispatched one event after the other, each once", async () => {
    const ids: string[] = [];
    const { receive } = receiver({ source, dispatch: ({ id }) => void ids.push(id) });
    expect((await receive(batch(event("a"), event("b")))).status).toBe(204);
    expect((await receive(batch(event("b"), event("c")))).status).toBe(204);
    expect(ids).toEqual(["a", "b", "c"]);
  });

  it("asks for another delivery if one event fails, and then dispatches only that one", async () => {
    const ids: string[] = [];
    const { receive } = receiver({
      source,
      dispatch: ({ id }) => {
        ids.push(id);
        if (id === "b" && ids.length === 2) throw new Error("busy");
      },
    });
    const events = [event("a"), event("b"), event("c")];
    expect((await receive(batch(...events))).status).toBe(500);
    expect((await receive(batch(...events))).status).toBe(204);
    expect(ids).toEqual(["a", "b", "c", "b"]);
  });

  it("asks for another delivery rather than passing a refusal on", async () => {
    const { receive } = receiver({
      source,
      dispatch: ({ id }) => {
        throw id === "a" ? new PermanentError("no such customer") : new Error("busy");
      },
    });
    expect((await receive(batch(event("a")))).status).toBe(422);
    expect((await receive(batch(event("a"), event("b")))).status).toBe(500);
  });

  it("is refused as a whole if one of its events names no event, and if it is empty or no list", async () => {
    const { receive, store } = receiver({ source });
    for (const request of [batch(event("a"), { specversion: "1.0" }), batch(event("a"), 1), batch()])
      expect(await problemOf(await receive(request))).toMatchObject({ status: 400, code: "no-identity" });
    const noList = post("{}", { "content-type": "application/cloudevents-batch+json" });
    expect((await receive(noList)).status).toBe(400);
    expect(await keysOf(store)).toEqual([]);
  });

  it("is stored event by event in a stream", async () => {
    const published: string[] = [];
    const receive = webhook({
      source,
      enqueue: async ({ id }, _, { body }) => void published.push(`${id} ${Buffer.from(body).length}`),
      onWarning: () => {},
    });
    expect((await receive(batch(event("a"), event("b", "longer")))).status).toBe(202);
    expect(published).toEqual(["a 66", "b 71"]);
  });
});

describe("two payloads under one unsigned id", () => {
  const request = (body: string) => post(body, { "idempotency-key": "k" });

  it("are equal if their JSON values are, as in `latchkey run`", async () => {
    const { receive } = receiver({ source: idempotencyKey() });
    expect((await receive(request('{"a":1,"b":[2]}'))).status).toBe(204);
    expect((await receive(request('{ "b": [2.0], "a": 1 }'))).status).toBe(200);
    expect((await receive(request('{"a":1,"b":["2"]}'))).status).toBe(422);
  });

  it("are compared byte by byte if they are not JSON", async () => {
    const { receive } = receiver({ source: idempotencyKey() });
    expect((await receive(request("a=1&b=2"))).status).toBe(204);
    expect((await receive(request("a=1&b=2"))).status).toBe(200);
    expect((await receive(request("a=1&b=2 "))).status).toBe(422);
  });
});

describe("a kept response", () => {
  const request = (key: string, headers: Readonly<Record<string, string>> = {}) =>
    post('{"amount":1}', { "idempotency-key": key, ...headers });
  const guarded = (options: Partial<DispatchOptions>) =>
    receiver({ source: idempotencyKey(), keepResponse: true, ...options });

  it("is replayed byte for byte, with its status and headers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(200, 201, 202, 404, 409, 422),
        async (body, status) => {
          const dispatch = () =>
            new Response(new Uint8Array(body), { status, headers: { "content-type": "application/x" } });
          const { receive } = guarded({ dispatch });
          const first = await receive(request("k"));
          const second = await receive(request("k"));
          expect(second.headers.get("idempotency-replayed")).toBe("true");
          expect(first.headers.get("idempotency-replayed")).toBeNull();
          for (const response of [first, second]) {
            expect(response.status).toBe(status);
            expect(response.headers.get("content-type")).toBe("application/x");
            expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([...body]);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("never contains a cookie or a header of the connection", async () => {
    const headers = { "set-cookie": "session=1", date: "now", "x-kept": "1" };
    const { receive } = guarded({ dispatch: () => new Response("a", { headers }) });
    await receive(request("k"));
    const replayed = await receive(request("k"));
    expect([replayed.headers.get("set-cookie"), replayed.headers.get("date"), replayed.headers.get("x-kept")]).toEqual([
      null,
      null,
      "1",
    ]);
  });

  it.each<[string, Partial<DispatchOptions>, number, Readonly<Record<string, string>>]>([
    ["over its limit", { maxStoredBytes: 100 }, 101, { "x-kept": "1" }],
    ["over the limit of results in base64 with headers", { maxStoredBytes: 49_152 }, 49_152, { "x-kept": "1" }],
  ])("is replayed without its body, and not as a replay, if the body is %s", async (_, options, length, headers) => {
    const dispatch = () => new Response("x".repeat(length), { status: 201, headers });
    const { receive, errors } = guarded({ ...options, dispatch });
    expect(await (await receive(request("k"))).text()).toHaveLength(length);
    const { status, headers: replayed, body } = await receive(request("k"));
    expect([status, replayed.get("x-kept"), replayed.get("idempotency-replayed"), body]).toEqual([
      201,
      "1",
      null,
      null,
    ]);
    expect(errors).toEqual([]);
  });

  it("is replayed with its status alone if its headers exceed the limit of results", async () => {
    const dispatch = () => new Response("a", { status: 202, headers: { "x-large": "x".repeat(70_000) } });
    const { receive } = guarded({ dispatch });
    await receive(request("k"));
    const { status, headers, body } = await receive(request("k"));
    expect([status, [...headers], body]).toEqual([202, [], null]);
  });

  it("is not claimed for a duplicate if nothing was kept", async () => {
    const { receive } = guarded({ keepResponse: false });
    await receive(request("k"));
    const duplicate = await receive(request("k"));
    expect([duplicate.status, duplicate.headers.get("idempotency-replayed")]).toEqual([200, null]);
  });

  it.each<[string, unknown]>([
    ["a text", "done"],
    ["a status that no response has", { status: 42, headers: [], body: null }],
    ["a header that is no pair", { status: 200, headers: ["content-type"], body: null }],
    ["no headers", { status: 200, body: null }],
    ["a body that is no text", { status: 200, headers: [], body: 7 }],
  ])("is not replayed from a result that another program committed: %s", async (_, result) => {
    const { receive, dedup, store } = guarded({});
    await receive(request("k"));
    const [identity] = await recordsOf(store);
    if (identity === undefined) throw new Error("nothing was committed");
    await dedup.clear(identity);
    await dedup.guard(identity, () => result, { keepResult: true });
    const duplicate = await receive(request("k"));
    expect([duplicate.status, await duplicate.text()]).toEqual([200, ""]);
  });

  it("is replayed to a request with a fence even if the first request had none", async () => {
    const { receive } = guarded({ dispatch: () => new Response("done"), fenceHeader: "Latchkey-Fence" });
    expect((await receive(request("k"))).status).toBe(200);
    expect((await receive(request("k", { "latchkey-fence": "1" }))).headers.get("idempotency-replayed")).toBe("true");
  });

  it("is refused to a lower fence with 412, and replayed to an equal or higher one", async () => {
    const { receive } = guarded({ dispatch: () => new Response("done"), fenceHeader: "Latchkey-Fence" });
    expect((await receive(request("k", { "latchkey-fence": "7" }))).status).toBe(200);
    expect((await receive(request("k", { "latchkey-fence": "6" }))).status).toBe(412);
    expect((await receive(request("k", { "latchkey-fence": "7" }))).headers.get("idempotency-replayed")).toBe("true");
    expect((await receive(request("k", { "latchkey-fence": "8" }))).headers.get("idempotency-replayed")).toBe("true");
    expect((await receive(request("k"))).headers.get("idempotency-replayed")).toBe("true");
  });

  it("is refused to a lower fence even if another replica kept it", async () => {
    const store = memoryStore();
    const options = { source: idempotencyKey(), keepResponse: true, fenceHeader: "Latchkey-Fence" };
    const [a, b] = [receiver(options, store), receiver(options, store)];
    await a.receive(request("k", { "latchkey-fence": "7" }));
    // A handler that returns nothing is stored as well, so that its fence is known.
    expect((await b.receive(request("k", { "latchkey-fence": "6" }))).status).toBe(412);
  });

  it("is missing after a failed attempt, so a lower fence is refused and a higher one is dispatched", async () => {
    let attempts = 0;
    const { receive } = guarded({
      fenceHeader: "Latchkey-Fence",
      dispatch: () => {
        attempts += 1;
        if (attempts === 1) throw new Error("failed");
      },
    });
    expect((await receive(request("k", { "latchkey-fence": "7" }))).status).toBe(500);
    expect((await receive(request("k", { "latchkey-fence": "6" }))).status).toBe(412);
    expect((await receive(request("k", { "latchkey-fence": "8" }))).status).toBe(204);
  });

  it.each(["-1", "1.5", "a", "9007199254740993", ""])("is refused with 400 to a fence of %j", async (fence) => {
    const { receive } = guarded({ fenceHeader: "Latchkey-Fence" });
    expect((await receive(request("k", { "latchkey-fence": fence }))).status).toBe(400);
  });
});

describe("a response of the handler", () => {
  const responses: readonly (readonly [name: string, respond: () => Response | Promise<Response>, status: number])[] = [
    ["with status 500", () => new Response("passed on", { status: 500 }), 500],
    ["with status 503", () => new Response("passed on", { status: 503 }), 503],
    ["that is a network error", () => Response.error(), 500],
    ["whose body was read", used, 500],
    ["whose body breaks off", () => new Response(stream((controller) => controller.error(new Error("reset")))), 500],
  ];

  it.each(responses)(
    "fails the dispatch, releases the key and lets the retry run if it is one %s",
    async (_, respond, status) => {
      let attempts = 0;
      const { receive, store, errors } = receiver({
        keepResponse: true,
        dispatch: () => {
          attempts += 1;
          return attempts === 1 ? respond() : undefined;
        },
      });
      expect((await receive(delivery())).status).toBe(status);
      expect(await keysOf(store)).toEqual([]);
      expect(errors).toMatchObject([["dispatch-failed", expect.any(String), "com.github.push.opened"]]);
      expect((await receive(delivery())).status).toBe(204);
    },
  );

  it("is passed on with its headers and body if its status is 500 or more", async () => {
    const headers = { "retry-after": "7" };
    const { receive } = receiver({ dispatch: () => new Response("busy", { status: 503, headers }) });
    const response = await receive(delivery());
    expect([response.status, response.headers.get("retry-after"), await response.text()]).toEqual([503, "7", "busy"]);
  });

  it("does not hold the key after its reservation is lost if its body never ends", async () => {
    const reading = new Deferred<void>();
    const { receive, dedup, errors } = receiver({
      dispatch: () =>
        new Response(
          stream(
            () => {},
            () => reading.resolve(undefined),
          ),
        ),
    });
    const answer = receive(delivery());
    await reading.promise;
    await dedup.close({ drainMs: 0 });
    expect((await answer).status).toBe(500);
    expect(errors.map(([code]) => code)).toEqual(["dispatch-failed"]);
  });

  it("fails the dispatch after the time limit, and releases the key, if its body never ends", async () => {
    const { receive, store, errors } = receiver({
      responseTimeoutMs: 20,
      dispatch: () =>
        new Response(
          stream(
            () => {},
            () => {},
          ),
        ),
    });
    expect(await problemOf(await receive(delivery()))).toMatchObject({ status: 500, code: "dispatch-failed" });
    expect(errors).toEqual([
      ["dispatch-failed", "RangeError: The handler's response did not end within 20 ms", "com.github.push.opened"],
    ]);
    expect(await keysOf(store)).toEqual([]);
  });

  it("fails the dispatch and is not read on if its body exceeds every limit", async () => {
    const chunk = new Uint8Array(1_048_576);
    let read = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        read += 1;
        controller.enqueue(chunk);
      },
    });
    const { receive, store } = receiver({ dispatch: () => new Response(body) });
    expect((await receive(delivery())).status).toBe(500);
    expect(read).toBeLessThan(110);
    expect(await keysOf(store)).toEqual([]);
  });

  it("loses the headers of its own connection and encoding if it was fetched", async () => {
    const server = createServer((_, response) => {
      const headers = { "content-encoding": "gzip", "keep-alive": "timeout=9", "x-kept": "1" };
      response.writeHead(201, headers).end(gzipSync("decoded"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("The server has no port");
    const { receive } = receiver({ dispatch: () => fetch(`http://127.0.0.1:${address.port}`) });
    const response = await receive(delivery());
    const names = ["content-encoding", "content-length", "connection", "keep-alive", "transfer-encoding", "x-kept"];
    expect(names.map((name) => response.headers.get(name))).toEqual([null, null, null, null, null, "1"]);
    expect(await response.text()).toBe("decoded");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("keeps its encoding if the handler encoded it", async () => {
    const headers = { "content-encoding": "gzip" };
    const { receive } = receiver({ dispatch: () => new Response(gzipSync("text"), { headers }) });
    expect((await receive(delivery())).headers.get("content-encoding")).toBe("gzip");
  });
});

describe("an error whose details the sender does not get", () => {
  it("is reported to the operator with its event if the handler throws", async () => {
    const { receive, errors } = receiver({ dispatch: () => Promise.reject(new Error("no customer")) });
    await receive(delivery());
    expect(errors).toEqual([["dispatch-failed", "Error: no customer", "com.github.push.opened"]]);
  });

  it("is reported to the operator with its event if the store is unavailable", async () => {
    const put = () => Promise.reject(new StoreUnavailableError("gone", { ambiguous: false }));
    const { receive, errors } = receiver({}, { ...memoryStore(), put });
    await receive(delivery());
    expect(errors).toMatchObject([["unavailable", expect.stringContaining("gone"), "com.github.push.opened"]]);
  });

  it("is reported to the operator with its event if the stream is unavailable", async () => {
    const errors: unknown[] = [];
    const receive = webhook({
      source: github({ secret: SECRET }),
      enqueue: () => Promise.reject(new Error("no stream")),
      onWarning: () => {},
      onError: (error, { code, event }) => errors.push([code, String(error), event?.type]),
    });
    expect((await receive(delivery())).status).toBe(503);
    expect(errors).toEqual([["unavailable", "Error: no stream", "com.github.push.opened"]]);
  });

  it.each<[string, number, unknown]>([
    ["422 if the event is refused for good", 422, new PermanentError("no such tenant")],
    ["422 if its subject cannot exist", 422, Object.assign(new Error("bad"), { name: "InvalidSubjectError" })],
    ["413 if it is too large for the stream", 413, { name: "JetStreamApiError", code: 10_054 }],
    ["413 if it is too large for the server", 413, { name: "InvalidArgumentError", message: "'max_payload' exceeded" }],
    ["503 if anything else is thrown", 503, "no stream"],
  ])("is answered with %s, when the event is stored in a stream", async (_, status, error) => {
    const codes: string[] = [];
    const receive = webhook({
      source: github({ secret: SECRET }),
      enqueue: async () => {
        throw error;
      },
      onWarning: () => {},
      onError: (_error, { code }) => codes.push(code),
    });
    expect((await receive(delivery())).status).toBe(status);
    expect(codes).toEqual([status === 503 ? "unavailable" : "refused"]);
  });

  it.each<[string, Partial<DispatchOptions>]>([
    ["verify", { source: { ...github({ secret: SECRET }), verify: () => Promise.reject(new Error("failed")) } }],
    ["identify", { source: { ...github({ secret: SECRET }), identify: () => raise() } }],
    ["workspaceId", { workspaceId: () => raise() }],
  ])("is reported to the operator if `%s` throws, and the sender gets 503", async (_, options) => {
    const { receive, errors } = receiver(options);
    expect((await receive(delivery())).status).toBe(503);
    expect(errors).toEqual([["source-failed", "Error: failed", undefined]]);
  });

  it("is reported to the operator if the request's body was read or locked before, and the sender gets 500", async () => {
    const { receive, errors } = receiver();
    const [read, locked] = [delivery(), delivery()];
    await read.text();
    locked.body?.getReader();
    for (const request of [read, locked]) expect((await receive(request)).status).toBe(500);
    expect(errors.map(([code]) => code)).toEqual(["misuse", "misuse"]);
  });

  it("is reported as a process warning without its message by default", async () => {
    const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const dedup = new Deduplicator({ store: memoryStore() });
    opened.push(dedup);
    const source = github({ secret: SECRET });
    const thrown: readonly unknown[] = [new Error("the password is hunter2"), "the password is hunter2"];
    for (const error of thrown) {
      const dispatch = async () => {
        throw error;
      };
      await webhook({ dedup, source, dispatch, onWarning: () => {} })(delivery());
    }
    const warnings = JSON.stringify(emitWarning.mock.calls);
    emitWarning.mockRestore();
    expect(warnings).toContain("LATCHKEY_WEBHOOK_DISPATCH_FAILED");
    expect(warnings).not.toContain("hunter2");
  });
});

describe("tenants", () => {
  it("never share an event", async () => {
    const { receive, dispatched } = receiver({ workspaceId: ({ headers }) => headers.get("x-tenant") ?? "default" });
    for (const tenant of ["a", "b", "a"]) await receive(delivery('{"n":1}', { "x-tenant": tenant }));
    expect(dispatched).toHaveLength(2);
  });
});

describe("a handshake", () => {
  it("answers Slack's challenge after verifying it, and dispatches nothing", async () => {
    const { receive, dispatched } = receiver({ source: slack({ signingSecret: SECRET }) });
    const body = JSON.stringify({
      type: "url_verification",
      challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    });
    const answered = await receive(post(body, signSlack(body, SECRET, Date.now())));
    expect([answered.status, await answered.text()]).toEqual([
      200,
      "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    ]);
    expect((await receive(post(body, signSlack(body, "wrong", Date.now())))).status).toBe(401);
    expect(dispatched).toEqual([]);
  });
});

describe("at construction, a receiver", () => {
  const warnings = (options: Partial<DispatchOptions>): readonly WebhookWarning["code"][] => {
    const codes: WebhookWarning["code"][] = [];
    receiver({ ...options, onWarning: ({ code }) => codes.push(code) });
    return codes;
  };

  it("warns of unsigned ids, missing verification, and a window shorter than the sender's retries", () => {
    expect(warnings({})).toEqual(["unsigned-id", "window-too-short"]);
    expect(warnings({ windowMs: 3 * 24 * 60 * 60 * 1_000 })).toEqual(["unsigned-id"]);
    expect(warnings({ source: stripe({ secret: "s" }), windowMs: 4 * 24 * 60 * 60 * 1_000 })).toEqual([]);
    expect(warnings({ source: idempotencyKey() })).toEqual(["unverified"]);
  });

  it("warns if all callers share the scope of kept responses", () => {
    expect(warnings({ source: idempotencyKey(), keepResponse: true })).toEqual(["unverified", "shared-scope"]);
    const scoped = idempotencyKey({ scope: ({ headers }) => headers.get("x-account") ?? "" });
    expect(warnings({ source: scoped, keepResponse: true })).toEqual(["unverified"]);
  });

  it.each<[string, Partial<DispatchOptions>]>([
    ["maxBodyBytes", { maxBodyBytes: 0 }],
    ["bodyTimeoutMs", { bodyTimeoutMs: 0.5 }],
    ["responseTimeoutMs", { responseTimeoutMs: 0 }],
    ["maxStoredBytes", { maxStoredBytes: 1_000_000 }],
    ["subscriptionId", { subscriptionId: "" }],
    ["fenceHeader", { fenceHeader: "" }],
    ["fenceHeader", { fenceHeader: "a fence" }],
    ["windowMs", { windowMs: 0 }],
    ["workspaceId", { workspaceId: "" }],
  ])("refuses a wrong `%s`, naming it", (name, options) => {
    expect(() => receiver(options)).toThrow(`Expected \`${name}\` to be`);
  });
});

describe("the options of a receiver", () => {
  const source = github({ secret: SECRET });
  const dispatch = () => {};
  const publish = async () => {};
  const create = (options: unknown) => () => void Reflect.apply(webhook, undefined, [options]);
  const jetstream = { publish };
  const headers = () => ({ set: () => {} });

  it.each<[string, () => unknown]>([
    ["Expected `dedup` to be an object", create({ source, dispatch })],
    ["Expected either `dispatch` or `enqueue`, got both", create({ source, dispatch, dedup: {}, enqueue: publish })],
    ["Expected `dispatch` or `enqueue` to be a function", create({ source })],
    ["Expected `workspaceId` to be a string", create({ source, enqueue: publish, workspaceId: 7 })],
    ["Expected `onError` to be a function", create({ source, enqueue: publish, onError: 7 })],
    ["Expected `subject` to be a string", () => enqueue({ jetstream, headers, subject: "" })],
    ["Expected `timeoutMs` to be a whole number", () => enqueue({ jetstream, headers, subject: "a", timeoutMs: 0 })],
    ["`timeoutMs` to be a whole number", () => enqueue({ jetstream, headers, subject: "a", timeoutMs: 2 ** 31 })],
    [
      "Expected `headers` to be a function",
      () => void Reflect.apply(enqueue, undefined, [{ jetstream, subject: "a" }]),
    ],
    ["Expected `jetstream` to be an object", () => void Reflect.apply(enqueue, undefined, [{ headers, subject: "a" }])],
  ])("are refused with %j", (message, call) => {
    expect(call).toThrow(message);
  });
});

describe("a source of one's own", () => {
  const source: Source = {
    name: "own",
    signsId: true,
    verify: async () => ({ verified: true }),
    identify: ({ headers }) => ({ source: "/own", id: headers.get("x-id") ?? "", type: "t" }),
  };

  it("guards events like the others", async () => {
    const { receive, dispatched } = receiver({ source });
    await receive(post("1", { "x-id": "a" }));
    await receive(post("1", { "x-id": "a" }));
    expect(dispatched).toEqual([1]);
  });

  it.each<[found: string, body: string]>([
    ["a number", '{"id":9007199254740993}'],
    ["a list", '{"id":["a"]}'],
    ["null", '{"id":null}'],
    ["an empty string", '{"id":""}'],
    ["nothing", "{}"],
  ])("names no event if its id is %s", async (found, body) => {
    const identify: Source["identify"] = (request) =>
      Object.assign({ source: "/own", id: "", type: "t" }, { id: jsonObject(request)["id"] });
    const { receive, store } = receiver({ source: { ...source, identify } });
    const detail = `The event's id is ${found}, not a non-empty string`;
    expect(await problemOf(await receive(post(body, {})))).toMatchObject({ status: 400, code: "no-identity", detail });
    expect(await keysOf(store)).toEqual([]);
  });

  it("answers 503 if it returns something else than an event, such as a promise", async () => {
    const identify: Source["identify"] = () => {
      const event = { source: "/own", id: "1", type: "t" };
      Reflect.deleteProperty(event, "source");
      return event;
    };
    const { receive, errors } = receiver({ source: { ...source, identify } });
    expect((await receive(post("1", {}))).status).toBe(503);
    expect(errors).toEqual([["source-failed", expect.stringContaining("`source.identify().source`"), undefined]]);
  });

  it("answers 503 if it fails, so that the sender retries", async () => {
    const failing = { ...source, verify: () => Promise.reject(new Error("no certificate")) };
    const { receive, store } = receiver({ source: failing });
    expect((await receive(post("1", { "x-id": "a" }))).status).toBe(503);
    expect(await keysOf(store)).toEqual([]);
  });
});

function pick(headers: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> {
  return { [name]: headers[name] ?? "" };
}

/** A response whose body was read before the handler returned it. */
async function used(): Promise<Response> {
  const response = new Response("a");
  await response.text();
  return response;
}

function raise(): never {
  throw new Error("failed");
}

function stream(
  start: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
  pull: () => void = () => {},
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start, pull }, { highWaterMark: 0 });
}

function streaming(start: (controller: ReadableStreamDefaultController<Uint8Array>) => void): Request {
  return new Request("http://127.0.0.1/hook", { method: "POST", body: stream(start), duplex: "half" });
}
