import { describe, expect, it } from "vitest";
import { event, resolved, unseen } from "../../support/replicas.ts";
import { authorization, inspected, own, TOKEN } from "./inspected.ts";

const removing = (revision: number): string => `/api/remove?key=${resolved.storeKey}:${revision}`;
const removal = (headers: Record<string, string>) => ({
  method: "POST",
  headers,
});

async function problemOf(answer: Promise<Response>): Promise<readonly [status: number, problem: unknown]> {
  const response = await answer;
  const body: unknown = await response.json();
  return [response.status, typeof body === "object" && body !== null && "problem" in body ? body.problem : body];
}

describe("a request under a host name (DNS rebinding)", () => {
  it.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7:8080", "[::2]:8080"])(
    "gets no answer under %s, not even the page",
    async (host) => {
      await using its = inspected();
      for (const path of ["/", "/api/feed", "/api/event", "/nothing"]) {
        expect(await problemOf(its.ask(path, { host, headers: { authorization } }))).toEqual([421, "wrong-host"]);
      }
    },
  );

  it.each(["localhost:8080", "LOCALHOST", "127.0.0.1", "127.1.2.3:1", "[::1]:8080"])(
    "is answered under %s",
    async (host) => {
      await using its = inspected();
      expect((await its.ask("/", { host })).status).toBe(200);
    },
  );

  it("is answered under the configured name or any address on a public server", async () => {
    await using its = inspected({ host: "inspector.lan" });
    for (const host of ["inspector.lan:8080", "192.168.1.7", "[fe80::1]", "localhost"]) {
      expect((await its.ask("/", { host })).status).toBe(200);
    }
    expect(await problemOf(its.ask("/", { host: "evil.example" }))).toEqual([421, "wrong-host"]);
  });
});

describe("a page of another site", () => {
  it.each<readonly [what: string, headers: Record<string, string>]>([
    ["its origin", { origin: "http://evil.example" }],
    ["the origin of another port", { origin: "http://127.0.0.1:8081" }],
    ["an opaque origin", { origin: "null" }],
    ["a cross-site request", { "sec-fetch-site": "cross-site" }],
    ["a request from a sibling site", { "sec-fetch-site": "same-site" }],
    ["an image or a script", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ])("is refused because of %s, even with the token", async (_, headers) => {
    await using its = inspected();
    const all = { ...headers, authorization };
    expect(await problemOf(its.ask("/api/feed", { headers: all }))).toEqual([403, "wrong-origin"]);
    expect(await problemOf(its.ask("/api/recording", { headers: all }))).toEqual([403, "wrong-origin"]);
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    expect(await problemOf(its.ask(removing(fence), removal(all)))).toEqual([403, "wrong-origin"]);
    expect(await its.replica.dedup.peek(event)).toBeDefined();
  });

  it("can link to the page, and to nothing else", async () => {
    await using its = inspected();
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await its.ask("/", { headers })).status).toBe(200);
    expect(await problemOf(its.ask("/api/recording", { headers }))).toEqual([403, "wrong-origin"]);
  });
});

describe("a client without the token", () => {
  it("sees only the empty page from another machine", async () => {
    await using its = inspected({ host: "0.0.0.0" });
    expect((await its.ask("/")).status).toBe(200);
    for (const path of ["/api/feed", "/api/event?storeKey=x", "/api/events", "/api/recording"]) {
      expect(await problemOf(its.ask(path))).toEqual([401, "token-needed"]);
      expect((await its.ask(path, { headers: { authorization } })).status).not.toBe(401);
    }
  });

  it("sees everything and changes nothing on the same machine", async () => {
    await using its = inspected();
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    expect((await its.ask("/api/recording")).status).toBe(200);
    const { authorization: _, ...rest } = own;
    for (const wrong of [undefined, "Bearer", `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN} x`]) {
      const headers = wrong === undefined ? rest : { ...rest, authorization: wrong };
      expect(await problemOf(its.ask(removing(fence), removal(headers)))).toEqual([401, "token-needed"]);
    }
    expect(await problemOf(its.ask(`${removing(fence)}&token=${TOKEN}`, removal(rest)))).toEqual([401, "token-needed"]);
    expect(await its.replica.dedup.peek(event)).toBeDefined();
  });
});

describe("a change", () => {
  it("needs the token and a page of the server", async () => {
    await using its = inspected();
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    const answer = await its.ask(removing(fence), removal(own));
    expect([answer.status, await answer.json()]).toEqual([200, { removed: 1, changed: 0 }]);
    expect(await its.replica.dedup.peek(event)).toBeUndefined();
  });

  it("is refused without an origin", async () => {
    await using its = inspected();
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    expect(await problemOf(its.ask(removing(fence), removal({ authorization })))).toEqual([403, "wrong-origin"]);
  });

  it("is refused by a read-only inspector", async () => {
    await using its = inspected({ readOnly: true });
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    expect(await problemOf(its.ask(removing(fence), removal(own)))).toEqual([403, "read-only"]);
    expect(await its.replica.dedup.peek(event)).toBeDefined();
  });

  it("works behind a proxy that adds TLS", async () => {
    await using its = inspected({ host: "inspector.lan" });
    const { fence } = await unseen(its.replica.dedup.reserve(event));
    const headers = { ...own, origin: "https://inspector.lan" };
    expect((await its.ask(removing(fence), { host: "inspector.lan", ...removal(headers) })).status).toBe(200);
  });
});

it("every response has strict security headers", async () => {
  await using its = inspected();
  for (const [path, init] of [
    ["/", {}],
    ["/api/recording", {}],
    ["/nothing", {}],
    ["/", { host: "evil.example" }],
  ] as const) {
    const { headers } = await its.ask(path, init);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(headers.get("content-security-policy")).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.has("access-control-allow-origin")).toBe(false);
    expect(headers.has("set-cookie")).toBe(false);
  }
});
