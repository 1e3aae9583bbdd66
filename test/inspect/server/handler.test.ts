import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  LatchkeyError,
  RecordUnreadableError,
  StoreForbiddenError,
  StoreMisconfiguredError,
  StoreUnavailableError,
} from "../../../src/errors.ts";
import { resolveInspectorOptions } from "../../../src/inspect/server/options.ts";
import { loadPage, toPageFile } from "../../../src/inspect/server/page-file.ts";
import { parseTrace } from "../../../src/inspect/trace/trace-text.ts";
import type { DeadLetter, DeadLetters } from "../../../src/model/dead-letter.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { event, resolved, unseen, world } from "../../support/replicas.ts";
import { inspected, own } from "./inspected.ts";

const { storeKey } = resolved;
const at = (path: string, params: Record<string, string>) => `${path}?${new URLSearchParams(params).toString()}`;

describe("one event", () => {
  it("is shown with its record and trace, but without the handler's result", async () => {
    await using its = inspected();
    await its.replica.dedup.guard(event, () => "secret", { keepResult: true, fingerprint: "private" });
    const answer = await its.ask(at("/api/event", { storeKey }));
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({
      identity: { storeKey, workspaceId: "default", subscriptionId: "sub-1", eventId: "evt-1" },
      record: { state: "committed", owner: "web-1", attempt: 1, fence: 1, revision: 2, hasResult: true },
      trace: [{ type: "reserved" }, { type: "dispatched" }, { type: "committed", cause: "confirmed" }],
    });
    expect(text).not.toMatch(/secret|private|token/);
  });

  it("is found by its identity although nothing was recorded", async () => {
    await using its = inspected();
    const nothing = await its.ask(at("/api/event", { workspaceId: "w", subscriptionId: "s", eventId: "e" }));
    const detail: unknown = await nothing.json();
    expect(detail).toMatchObject({ identity: { workspaceId: "w", eventId: "e" }, record: null, trace: [] });
    await unseen(its.world.replica("web-2").dedup.reserve(event));
    const { workspaceId: _, ...ids } = { workspaceId: "", ...event };
    expect(await (await its.ask(at("/api/event", ids))).json()).toMatchObject({ record: { state: "reserved" } });
    expect((await its.ask(at("/api/event", { storeKey }))).status).toBe(200);
  });

  it.each([
    { storeKey: "unknown" },
    { storeKey: "AAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBB.none" },
    { storeKey },
    { subscriptionId: "s" },
    { eventId: "e" },
  ])("is not found by %j, and has no related events", async (params) => {
    await using its = inspected();
    expect((await its.ask(at("/api/event", params))).status).toBe(404);
    expect(await (await its.ask(at("/api/related", params))).json()).toEqual([]);
  });

  it("is shown with the failure that the store remembers, redacted, if it was released", async () => {
    const its = world();
    const failed = { owner: "web-2", attempt: 3, fence: 7, atMs: 5, error: "TypeError: card 4111" };
    const failure = async () => ({ ...resolved, ...failed });
    const redact = (text: string, what: string): string => (what === "cause" ? text.replace(/ card .*/, " …") : text);
    await using inspector = inspected({ store: { ...its.memory, failure }, redact }, its);
    expect(await (await inspector.ask(at("/api/event", { ...event }))).json()).toMatchObject({
      record: null,
      failure: { owner: "web-2", attempt: 3, error: "TypeError: …" },
    });
  });

  it("is one of at most twenty that a search finds", async () => {
    await using its = inspected();
    for (let number = 0; number < 25; number += 1) {
      await its.replica.dedup.guard({ ...event, eventId: `evt-${number}` }, () => {});
    }
    expect(await (await its.ask(at("/api/events", { text: "evt" }))).json()).toHaveProperty("events.length", 20);
  });

  it("is found by a part of its id, each once", async () => {
    await using its = inspected();
    for (const eventId of ["a-1", "b-1", "a-2", "a-1"]) await its.replica.dedup.guard({ ...event, eventId }, () => {});
    const found: unknown = await (await its.ask(at("/api/events", { text: "a-" }))).json();
    expect(found).toMatchObject({
      events: expect.arrayContaining([
        { identity: expect.objectContaining({ eventId: "a-1" }), state: "committed" },
        { identity: expect.objectContaining({ eventId: "a-2" }), state: "committed" },
      ]),
      incomplete: "",
    });
    expect(found).toHaveProperty("events.length", 2);
    expect(await (await its.ask("/api/events")).json()).toHaveProperty("events.length", 3);
  });

  it("is found in the store in every workspace, although it was never recorded", async () => {
    await using its = inspected();
    const other = its.world.replica("web-2").dedup;
    for (const workspaceId of ["one", "two"]) {
      await other.guard({ workspaceId, subscriptionId: "sub-9", eventId: "Order-77" }, () => {});
    }
    const found: unknown = await (await its.ask(at("/api/events", { text: "order-7" }))).json();
    expect(found).toMatchObject({ events: [{ state: "committed" }, { state: "committed" }], incomplete: "" });
    const { storeKey: key } = resolveIdentity({ workspaceId: "one", subscriptionId: "sub-9", eventId: "Order-77" });
    expect(await (await its.ask(at("/api/event", { storeKey: key }))).json()).toMatchObject({
      identity: { workspaceId: "one" },
      record: { state: "committed" },
    });
    expect(await (await its.ask(at("/api/related", { storeKey: key }))).json()).toMatchObject([
      { identity: { workspaceId: "two", eventId: "Order-77" }, state: "committed" },
    ]);
  });

  it("is found in the recording while the store is unavailable, with a warning", async () => {
    const its = world();
    const { dedup } = its.replica("web-2");
    const list = (): never => {
      throw new StoreUnavailableError("The store is away", { ambiguous: false });
    };
    await using inspector = inspected({ store: { ...its.memory, list } }, its);
    inspector.inspector.attach(dedup);
    await dedup.guard(event, () => {});
    const found: unknown = await (await inspector.ask(at("/api/events", { text: "evt" }))).json();
    expect(found).toMatchObject({ events: [{ state: "none" }], incomplete: "The store is away" });
  });

  it("answers 503 while the store is unavailable", async () => {
    await using its = inspected();
    await its.replica.dedup.guard(event, () => {});
    its.replica.store.breakDown();
    expect((await its.ask(at("/api/event", { storeKey }))).status).toBe(503);
  });

  it.each<[string, Error, number, string]>([
    [
      "a record that cannot be read",
      new RecordUnreadableError("The record is not JSON"),
      422,
      "The record is not JSON",
    ],
    [
      "a store that cannot do it",
      new LatchkeyError("unsupported", "The store cannot read"),
      501,
      "The store cannot read",
    ],
    [
      "a missing permission",
      new StoreForbiddenError("The connection may not publish to x"),
      503,
      "The connection may not publish to x",
    ],
    [
      "a bucket that cannot keep the guarantees",
      new StoreMisconfiguredError("Bucket dedup has no TTLs", []),
      503,
      "Bucket dedup has no TTLs",
    ],
    ["an error of another kind, whose text stays private", new Error("secret"), 500, "The inspector failed to answer"],
  ])("answers with the reason for %s", async (_, error, status, text) => {
    const its = world();
    const fails = () => Promise.reject(error);
    const list = async function* () {
      yield* [];
      await fails();
    };
    await using inspector = inspected({ store: { ...its.memory, get: fails, list } }, its);
    const answer = await inspector.ask(at("/api/event", { ...event }));
    expect(answer.status).toBe(status);
    const shown = await answer.text();
    expect(shown).toContain(text);
    const found = await (await inspector.ask(at("/api/events", { text: "evt" }))).text();
    expect(`${shown} ${found}`).not.toContain("secret");
  });
});

describe("an inspector below a path", () => {
  it.each([
    ["/ops", 308],
    ["/ops/", 200],
    ["/ops/api/events", 200],
    // A proxy may have removed the path.
    ["/api/events", 200],
    ["/opsworks/", 404],
  ])("answers %s with %d", async (path, status) => {
    await using its = inspected({ basePath: "/ops" });
    expect((await its.ask(path)).status).toBe(status);
  });
});

describe("dead letters", () => {
  const letter = (sequence: number): DeadLetter => ({
    sequence,
    storedAtMs: 1,
    reason: "permanent-error",
    error: "card 4111 was declined",
    consumer: "billing",
    deliveries: 3,
    original: { subject: "orders", stream: "ORDERS", sequence, time: "2026-11-01T12:00:00Z" },
    bytes: 10,
    hasBody: true,
    ...(sequence % 2 === 0 ? { identity: resolved } : {}),
  });

  function letters(number: number, changes: Partial<DeadLetters> = {}): DeadLetters {
    return {
      async *list() {
        for (let sequence = 1; sequence <= number; sequence += 1) yield letter(sequence);
      },
      get: async () => undefined,
      redrive: async () => ({ result: "gone" }),
      drop: async () => true,
      ...changes,
    };
  }

  it("are listed up to a limit, with redacted ids and errors", async () => {
    const redact = (text: string, what: string): string => `${what} of ${text.length}`;
    await using its = inspected({ deadLetters: letters(2_001), redact });
    const text = await (await its.ask("/api/dead")).text();
    const listed: unknown = JSON.parse(text);
    expect(listed).toMatchObject({
      hasMore: true,
      letters: { 0: { sequence: 1 }, 1: { identity: { eventId: "event of 5" } } },
    });
    expect(listed).toHaveProperty("letters.length", 2_000);
    expect(text).not.toMatch(/4111|evt-1/);
    await using few = inspected({ deadLetters: letters(1) });
    expect(await (await few.ask("/api/dead")).json()).toMatchObject({ hasMore: false, letters: [{ sequence: 1 }] });
  });

  it.each<[string, Partial<DeadLetters>, unknown]>([
    [
      "redrive",
      { redrive: async () => ({ result: "redriven", stream: "ORDERS", sequence: 9 }) },
      { result: "redriven", stream: "ORDERS", sequence: 9 },
    ],
    [
      "redrive",
      { redrive: async () => ({ result: "left", why: "unreadable-record", problem: "secret" }) },
      { result: "left", why: "unreadable-record", problem: "(cause)" },
    ],
    ["drop", {}, { result: "dropped" }],
    ["drop", { drop: async () => false }, { result: "gone" }],
  ])("are changed one at a time, with the result: %s", async (action, changes, result) => {
    await using its = inspected({ deadLetters: letters(0, changes), redact: (_, what) => `(${what})` });
    const order = { method: "POST", headers: own };
    expect(await (await its.ask(`/api/dead/${action}?sequence=1`, order)).json()).toEqual(result);
    for (const wrong of ["", "?sequence=", "?sequence=-1", "?sequence=1.5"]) {
      expect((await its.ask(`/api/dead/${action}${wrong}`, order)).status).toBe(400);
    }
  });
});

describe("a removal", () => {
  const removing = (revision: number): string => `/api/remove?key=${storeKey}:${revision}`;
  const order = { method: "POST", headers: own };

  it("applies only to the revision that the page has seen", async () => {
    await using its = inspected();
    const first = await unseen(its.replica.dedup.reserve(event));
    await first.release();
    const second = await unseen(its.replica.dedup.reserve(event));
    expect(await (await its.ask(removing(first.fence), order)).json()).toEqual({ removed: 0, changed: 1 });
    expect(await (await its.ask(removing(second.fence), order)).json()).toEqual({ removed: 1, changed: 0 });
    expect(await (await its.ask(removing(second.fence), order)).json()).toEqual({ removed: 0, changed: 1 });
    const trace = parseTrace(await (await its.ask("/api/recording")).text());
    expect(trace.at(-1)).toMatchObject({ type: "cleared", replica: "inspector", cause: "the key was reserved" });
  });

  it("is refused if the key changes between the read and the removal", async () => {
    const its = world();
    const store = { ...its.memory, invalidation: its.memory.invalidation };
    const { dedup } = its.replica("web-2");
    await using inspector = inspected({ store }, its);
    await dedup.guard(event, () => {});
    await its.pass(1_000);
    store.remove = async () => ({ ok: false });
    expect((await inspector.ask("/api/event?subscriptionId=sub-1&eventId=evt-1")).status).toBe(200);
    expect(await (await inspector.ask(removing(2), order)).json()).toEqual({ removed: 0, changed: 1 });
  });
});

describe("redacted text", () => {
  it("appears in no response: no id and no cause", async () => {
    const redact = (text: string, what: string): string => `${what} of ${text.length}`;
    await using its = inspected({ redact });
    const secret = { workspaceId: "secret-w", subscriptionId: "secret-s", eventId: "secret-e" };
    const { dedup } = its.replica;
    await expect(dedup.guard(secret, () => Promise.reject(new Error("secret-cause")))).rejects.toThrow();
    await unseen(dedup.reserve(secret));
    const detail = await (await its.ask(at("/api/event", secret))).text();
    its.replica.store.breakDown();
    await dedup.reserve({ ...secret, eventId: "secret-2" }).catch(() => {});
    const feed = await its.feed();
    const shown = [
      JSON.stringify(await feed.all()),
      await (await its.ask("/api/recording")).text(),
      await (await its.ask("/api/events")).text(),
      await (await its.ask(at("/api/event", secret))).text(),
      detail,
    ].join("\n");
    expect(shown).toContain("subscription of 8");
    expect(shown).toContain("cause of ");
    expect(shown).not.toContain("secret");
  });

  it("is replaced by a placeholder if the redaction throws", async () => {
    const redact = (): string => {
      throw new Error("no");
    };
    await using its = inspected({ redact });
    await its.replica.dedup.guard(event, () => {});
    const recording = await (await its.ask("/api/recording")).text();
    expect(recording).toContain(`"eventId":"(redacted)"`);
    expect(recording).not.toContain("evt-1");
  });
});

describe("the page", () => {
  it("runs only its own scripts, and is compressed on request", async () => {
    await using its = inspected();
    const plain = await its.ask("/");
    expect(plain.headers.get("content-security-policy")).toMatch(
      /script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; connect-src 'self';/,
    );
    const html = await plain.text();
    const packed = await its.ask("/", { headers: { "accept-encoding": "br, gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(html);
    expect(toPageFile("<p>").policy).toContain("script-src 'none'; style-src 'none'");
  });

  it("explains how to build it if it was not built", async () => {
    expect((await loadPage("/nowhere/inspector.html")).html).toContain("<code>npm run build</code> has not run");
    await expect(loadPage("/")).rejects.toMatchObject({ code: "EISDIR" });
  });
});

describe("the options", () => {
  const { dedup } = world().replica("web-1");
  it.each<readonly [options: Readonly<Record<string, unknown>>, sentence: string]>([
    [{}, "Expected `dedup` to be a Deduplicator, unless `store` is set"],
    [{ dedup: {} }, "Expected `dedup.subscribe` to be a function"],
    [{ store: {} }, "Expected `store.put`"],
    [{ dedup, port: 65_536 }, "Expected `port`"],
    [{ dedup, host: "" }, "Expected `host`"],
    [{ dedup, host: "0.0.0.0" }, "since `host` is not loopback"],
    [{ dedup, token: 7 }, "Expected `token`"],
    [{ dedup, token: "short-secret" }, "got 12 characters"],
    [{ dedup, token: "with spaces, and long" }, "got 21 characters"],
    [{ dedup, readOnly: 1 }, "Expected `readOnly`"],
    [{ dedup, redact: "all" }, "Expected `redact`"],
    [{ dedup, clock: {} }, "Expected `clock.monotonicMs`"],
    [{ dedup, name: "" }, "Expected `name`"],
  ])("are refused: %j", (options, sentence) => {
    expect(() => void Reflect.apply(resolveInspectorOptions, undefined, [options])).toThrow(sentence);
  });

  it("require a store with `list` and `watch`", () => {
    const { put, get } = memoryStore();
    expect(() => resolveInspectorOptions({ store: { put, get } })).toThrow("Pass a `dedup` instead");
    expect(resolveInspectorOptions({ store: memoryStore() })).toMatchObject({
      inspected: { name: "a store", skewMs: 2_000 },
      port: 0,
    });
  });
});
