import { type RequestOptions, request } from "node:http";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { serveInspector } from "../../../src/inspect/index.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { event } from "../../support/replicas.ts";

const web = () => new Deduplicator({ store: memoryStore(), owner: "web-1" });
const token = "0123456789abcdef";

/** Sends a request with any Host header, which `fetch` does not allow. */
function got(url: string, options: RequestOptions & { readonly body?: string } = {}): Promise<[number, string]> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...rest }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve([response.statusCode ?? 0, text]));
      response.on("error", reject);
    });
    asked.on("error", reject).end(body);
  });
}

describe("a served inspector", () => {
  it("listens on loopback, returns its address with the token, and shows events", async () => {
    const dedup = web();
    await using inspector = await serveInspector({ dedup });
    expect(inspector.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}$/);
    await dedup.guard(event, () => {});
    const response = await fetch(new URL("/api/feed", inspector.url));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.getReader();
    const first = Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(first).toContain(`"totals":{"reserved":1,"dispatched":1,"committed":1}`);
    await reader?.cancel();
    await dedup.close();
  });

  it("returns an address without a token if nothing needs one", async () => {
    await using inspector = await serveInspector({ dedup: web(), readOnly: true, host: "localhost" });
    expect(inspector.url).toMatch(/^http:\/\/localhost:\d+\/$/);
    expect((await fetch(inspector.url)).status).toBe(200);
  });

  it("listens on an IPv6 address and on a given port", async () => {
    const first = await serveInspector({ dedup: web(), host: "::1", token });
    const { port } = new URL(first.url);
    expect(first.url).toBe(`http://[::1]:${port}/#token=${token}`);
    expect((await fetch(first.url)).status).toBe(200);
    await first.close();
    await using second = await serveInspector({ dedup: web(), host: "::1", port: Number(port), token });
    expect(second.url).toBe(first.url);
  });

  it("rejects if it cannot listen, and leaves nothing behind", async () => {
    await using first = await serveInspector({ dedup: web() });
    const port = Number(new URL(first.url).port);
    await expect(serveInspector({ dedup: web(), port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("ends all connections on close, and can be closed again", async () => {
    const inspector = await serveInspector({ dedup: web() });
    const feed = await fetch(new URL("/api/feed", inspector.url));
    const ended = feed.text().catch(() => "broken off");
    await inspector.close();
    await ended;
    await inspector.close();
    await expect(fetch(inspector.url)).rejects.toThrow();
  });

  it("checks the Host header", async () => {
    await using inspector = await serveInspector({ dedup: web() });
    expect(await got(inspector.url, { headers: { host: "evil.example" } })).toEqual([
      421,
      expect.stringContaining("wrong-host"),
    ]);
    expect(await got(inspector.url, { headers: { host: "a b" } })).toEqual([400, expect.anything()]);
    expect(await got(inspector.url, { path: "http://evil.example/" })).toEqual([400, expect.anything()]);
  });

  it("refuses invalid requests", async () => {
    await using inspector = await serveInspector({ dedup: web(), token });
    const { origin } = new URL(inspector.url);
    const headers = { origin, authorization: `Bearer ${token}` };
    const post = (search: string, more: { readonly body?: string } = {}) =>
      got(`${origin}/api/remove${search}`, { method: "POST", headers, ...more });
    for (const search of ["", "?key=x", "?key=x:y", "?key=:1", "?key=x:1e3", "?key=x:1&key="]) {
      expect(await post(search)).toEqual([400, expect.stringContaining("a store key, a colon and a revision")]);
    }
    expect(await post("?key=x:1")).toEqual([200, '{"removed":0,"changed":1}']);
    // A body is ignored, however long it is.
    expect((await post("?key=x:1", { body: "x".repeat(100_000) }))[0]).toBe(200);
  });

  it("answers HEAD like GET without a body, and OPTIONS with the methods of an address", async () => {
    await using inspector = await serveInspector({ dedup: web() });
    const at = (path: string): URL => new URL(path, inspector.url);
    for (const path of ["/", "/api/feed", "/api/keys", "/api/event?subscriptionId=a&eventId=b"]) {
      const head = await fetch(at(path), { method: "HEAD" });
      expect([path, head.status, await head.text()]).toEqual([path, 200, ""]);
    }
    expect((await fetch(at("/api/feed"), { method: "HEAD" })).headers.get("x-accel-buffering")).toBe("no");
    const options = await fetch(at("/api/remove"), { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "OPTIONS, POST"]);
    const wrong = await fetch(at("/api/keys"), { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "OPTIONS, GET, HEAD"]);
    expect((await fetch(at("/nothing"), { method: "HEAD" })).status).toBe(404);
  });

  it("accepts 20 kB of cookies, which other servers on the host may have set", async () => {
    await using inspector = await serveInspector({ dedup: web() });
    const cookie = Array.from({ length: 200 }, (_, index) => `c${index}=${"x".repeat(95)}`).join("; ");
    expect(cookie.length).toBeGreaterThan(20_000);
    expect((await got(inspector.url, { headers: { cookie } }))[0]).toBe(200);
  });
});
