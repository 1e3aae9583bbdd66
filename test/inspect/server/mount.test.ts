import { createServer, request as httpRequest, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { inspectorHandler, type MountedInspector, serveInspector, toNodeHandler } from "../../../src/inspect/index.ts";
import type { MountedInspectorOptions } from "../../../src/inspect/server/options.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { event, resolved } from "../../support/replicas.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port }: Partial<AddressInfo> = addressOf(server);
  return `http://127.0.0.1:${port}`;
}

function addressOf(server: Server): { readonly port: number } {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server does not listen");
  return address;
}

/** A mounted inspector and its address, with a slash at the end. */
interface Mounted {
  readonly address: string;
  readonly inspector: MountedInspector;
  readonly dedup: Deduplicator;
}

type Mount = (inspector: MountedInspector) => Promise<string>;

async function mounted(mount: Mount, options: Partial<MountedInspectorOptions> = {}): Promise<Mounted> {
  const dedup = new Deduplicator({ store: memoryStore(), owner: "web-1" });
  const inspector = inspectorHandler({ dedup, basePath: "/ops/latchkey", ...options });
  endings.push(
    () => dedup.close({ drainMs: 0 }),
    () => inspector.close(),
  );
  return { address: `${await mount(inspector)}/ops/latchkey/`, inspector, dedup };
}

const node = (listener: RequestListener): Promise<string> => listening(createServer(listener));

const inNode: Mount = (inspector) => node(toNodeHandler(inspector));

const inExpress: Mount = (inspector) => {
  const app = express();
  // A body parser before the inspector does not matter.
  app.use(express.json(), express.text());
  app.use("/ops/latchkey", toNodeHandler(inspector));
  return listening(createServer(app));
};

const inFastify: Mount = async (inspector) => {
  const app = fastify();
  const handler = toNodeHandler(inspector);
  app.all("/ops/latchkey", (request, reply) => {
    reply.hijack();
    handler(request.raw, reply.raw);
  });
  app.all("/ops/latchkey/*", (request, reply) => {
    reply.hijack();
    handler(request.raw, reply.raw);
  });
  endings.push(() => {
    app.server.closeAllConnections();
    return app.close();
  });
  return app.listen({ port: 0, host: "127.0.0.1" });
};

const inHono: Mount = (inspector) => {
  const app = new Hono();
  app.all("/ops/latchkey", (context) => inspector(context.req.raw));
  app.all("/ops/latchkey/*", (context) => inspector(context.req.raw));
  return node(toNodeHandler(async (request) => app.fetch(request)));
};

const places: ReadonlyArray<readonly [name: string, mount: Mount]> = [
  ["node:http", inNode],
  ["Express", inExpress],
  ["Fastify", inFastify],
  ["Hono", inHono],
];

const authorized = ({ inspector, address }: Mounted) => ({
  origin: new URL(address).origin,
  authorization: `Bearer ${inspector.token}`,
});

/** Sends a request under another host name, which `fetch` cannot. */
function statusUnder(host: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent: false, headers: { host, ...headers } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe.each(places)("an inspector in %s", (_, mount) => {
  it("serves its page and redirects to the address with a slash", async () => {
    const { address } = await mounted(mount);
    const page = await fetch(address);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const bare = await fetch(address.slice(0, -1), { redirect: "manual" });
    expect([bare.status, bare.headers.get("location")]).toEqual([308, "latchkey/"]);
    expect((await fetch(address.slice(0, -1))).url).toBe(address);
  });

  it("streams events at once, and stops when the page goes away", async () => {
    const its = await mounted(mount);
    const aborting = new AbortController();
    const { headers, body } = await fetch(`${its.address}api/feed`, {
      headers: authorized(its),
      signal: aborting.signal,
    });
    expect([headers.get("content-type"), headers.get("x-accel-buffering")]).toEqual(["text/event-stream", "no"]);
    const reader = body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain('"type":"begin"');
    await its.dedup.guard(event, () => {});
    let text = "";
    while (!text.includes('"committed":1')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
    aborting.abort();
  });

  it("clears a key", async () => {
    const its = await mounted(mount);
    await its.dedup.guard(event, () => {});
    const revision = (await its.dedup.peek(event))?.revision;
    const response = await fetch(`${its.address}api/remove?key=${resolved.storeKey}:${revision}`, {
      method: "POST",
      headers: authorized(its),
    });
    expect([response.status, await response.json()]).toEqual([200, { removed: 1, changed: 0 }]);
    expect(await its.dedup.guard(event, () => {})).toMatchObject({ outcome: "dispatched" });
  });

  it("has strict headers on every response, and passes invisible characters of ids on as JSON only", async () => {
    const it = await mounted(mount);
    const eventId = "evt-\u001B[2J\u202E<script>";
    await it.dedup.guard({ subscriptionId: "sub-1", eventId }, () => "done");
    const authorization = `Bearer ${it.inspector.token}`;
    for (const path of ["", "api/events?text=evt", "api/keys", "api/nothing", "api/event?storeKey=none"]) {
      const response = await fetch(it.address + path, { headers: { authorization } });
      const headers = Object.fromEntries(response.headers);
      expect(headers).toMatchObject({
        "content-security-policy": expect.stringContaining("default-src 'none'"),
        "x-content-type-options": "nosniff",
      });
      expect(headers).not.toHaveProperty("access-control-allow-origin");
      const text = await response.text();
      expect(text).not.toContain("\u001B");
      if (path !== "") expect(headers["content-type"]).toMatch(/^application\/json/);
    }
  });

  it("answers HEAD and OPTIONS", async () => {
    const its = await mounted(mount);
    const headers = authorized(its);
    expect((await fetch(`${its.address}api/keys`, { method: "HEAD", headers })).status).toBe(200);
    const options = await fetch(`${its.address}api/remove`, { method: "OPTIONS", headers });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "OPTIONS, POST"]);
  });

  it("refuses foreign hosts, foreign origins and a missing token", async () => {
    const its = await mounted(mount);
    const headers = authorized(its);
    const feed = `${its.address}api/feed`;
    for (const host of ["evil.example", "localhost.evil.example", "192.168.1.7"]) {
      expect([host, await statusUnder(host, feed, { authorization: headers.authorization })]).toEqual([host, 421]);
    }
    expect((await fetch(feed)).status).toBe(401);
    expect((await fetch(feed, { headers: { ...headers, origin: "http://evil.example" } })).status).toBe(403);
    expect((await fetch(feed, { headers: { ...headers, "sec-fetch-site": "cross-site" } })).status).toBe(403);
    const remove = `${its.address}api/remove?key=x:1`;
    const post = (more: Record<string, string>) => fetch(remove, { method: "POST", headers: more });
    expect((await post({ origin: headers.origin })).status).toBe(401);
    expect((await post({ authorization: headers.authorization })).status).toBe(403);
    expect((await fetch(`${its.address}api/feed?token=${its.inspector.token}`)).status).toBe(401);
  });
});

describe("a mounted inspector with `authorize`", () => {
  const authorize = (request: Request): boolean => (request.headers.get("cookie") ?? "").includes("session=ops");
  const cookie = "session=ops";

  it("asks for every request, and needs no token", async () => {
    const its = await mounted(inNode, { authorize });
    for (const path of ["", "api/feed", "api/keys", "nothing"]) {
      expect([path, (await fetch(its.address + path)).status]).toEqual([path, 403]);
    }
    expect((await fetch(its.address, { headers: { cookie } })).status).toBe(200);
    expect((await fetch(`${its.address}api/keys`, { headers: { cookie } })).status).toBe(200);
  });

  it("accepts changes from its own origin only, since browsers send cookies along", async () => {
    const its = await mounted(inNode, { authorize });
    const { origin } = new URL(its.address);
    const post = (headers: Record<string, string>) =>
      fetch(`${its.address}api/remove?key=x:1`, { method: "POST", headers: { cookie, ...headers } });
    expect((await post({ origin })).status).toBe(200);
    expect((await post({})).status).toBe(403);
    expect((await post({ origin: "http://evil.example" })).status).toBe(403);
    expect((await post({ origin, "sec-fetch-site": "cross-site" })).status).toBe(403);
  });

  it("answers 500 without details if `authorize` throws", async () => {
    const its = await mounted(inNode, {
      authorize() {
        throw new Error("secret");
      },
    });
    const response = await fetch(its.address);
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining("secret")]);
  });
});

/** A proxy that adds a path prefix, and sends the public or its own host name. */
function proxy(to: string, prefix: string, host: string | undefined): Promise<string> {
  return node((request, response) => {
    const path = (request.url ?? "").slice(prefix.length) || "/";
    const { host: own, ...headers } = request.headers;
    const passed = httpRequest(
      new URL(path, to),
      { method: request.method, headers: { ...headers, host: host ?? new URL(to).host, "x-was": own } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(passed);
    response.on("close", () => passed.destroy());
  });
}

describe("an inspector behind a proxy that removes a path prefix", () => {
  const origin = "https://ops.example.com";

  it.each([
    ["passes on the public host name", { allowedHosts: ["ops.example.com"] }, "ops.example.com"],
    ["replaces the host name", { allowedOrigins: [origin] }, undefined],
  ] as const)("works if the proxy %s", async (_, options, host) => {
    const dedup = new Deduplicator({ store: memoryStore() });
    await using inspector = await serveInspector({ dedup, token: "0123456789abcdef", ...options });
    const outside = await proxy(inspector.url, "/tools", host);
    expect((await fetch(`${outside}/tools/`)).status).toBe(200);
    await dedup.guard(event, () => {});
    const revision = (await dedup.peek(event))?.revision;
    const headers = { authorization: "Bearer 0123456789abcdef", origin, "sec-fetch-site": "same-origin" };
    const remove = (more: Record<string, string>) =>
      fetch(`${outside}/tools/api/remove?key=${resolved.storeKey}:${revision}`, { method: "POST", headers: more });
    expect((await remove({ ...headers, origin: "https://evil.example" })).status).toBe(403);
    expect(await (await remove(headers)).json()).toEqual({ removed: 1, changed: 0 });
    await dedup.close();
  });

  it("needs the token for everything once a public name is allowed", async () => {
    const dedup = new Deduplicator({ store: memoryStore() });
    await using inspector = await serveInspector({ dedup, allowedHosts: ["ops.example.com"] });
    const outside = await proxy(inspector.url, "/tools", "ops.example.com");
    expect((await fetch(`${outside}/tools/api/keys`)).status).toBe(401);
    await dedup.close();
  });
});

describe("the options of a mounted inspector", () => {
  const dedup = new Deduplicator({ store: memoryStore() });

  it.each<readonly [Partial<MountedInspectorOptions>, string]>([
    [{ basePath: "ops" }, "`basePath`"],
    [{ basePath: "/a?b" }, "`basePath`"],
    [{ allowedHosts: ["https://ops.example.com"] }, "`allowedHosts`"],
    [{ allowedHosts: ["ops.example.com:8080"] }, "`allowedHosts`"],
    [{ allowedOrigins: ["ops.example.com"] }, "`allowedOrigins`"],
    [{ allowedOrigins: ["https://ops.example.com/"] }, "`allowedOrigins`"],
    [{ links: [{ name: "Logs", template: "javascript:alert(1)" }] }, "`links.template`"],
    [{ token: "short" }, "`token`"],
  ])("refuse %j", (options, field) => {
    expect(() => inspectorHandler({ dedup, ...options })).toThrow(field);
  });
});
