import { createServer, request } from "node:http";
import { describe, expect, it } from "vitest";
import { httpTarget } from "../../../../src/cli/run/target/http-target.ts";
import { proxyFor } from "../../../../src/cli/run/target/proxy.ts";
import { parseHeaders } from "../../../../src/cli/run/target/request-headers.ts";
import { CommandError } from "../../../../src/cli/terminal/command-error.ts";
import { systemClock } from "../../../../src/internal/clock.ts";
import { startEndpoint } from "../../support/endpoint.ts";

describe("the proxy of the environment", () => {
  it.each<readonly [url: string, env: Record<string, string>, proxy: string | undefined]>([
    ["http://a.example/", {}, undefined],
    ["http://a.example/", { HTTP_PROXY: "  " }, undefined],
    ["http://a.example/", { HTTP_PROXY: "http://p:1" }, "http://p:1/"],
    ["http://a.example/", { HTTP_PROXY: "p:1" }, "http://p:1/"],
    ["http://a.example/", { HTTP_PROXY: "http://upper:1", http_proxy: "http://lower:1" }, "http://lower:1/"],
    ["http://a.example/", { HTTPS_PROXY: "http://p:1" }, undefined],
    ["https://a.example/", { HTTPS_PROXY: "http://p:1" }, "http://p:1/"],
    ["https://a.example/", { ALL_PROXY: "http://p:1" }, "http://p:1/"],
    ["http://a.example/", { http_proxy: " ", HTTP_PROXY: "p:1" }, "http://p:1/"],
    ["http://a.example/", { HTTP_PROXY: "", all_proxy: "p:1", no_proxy: "" }, "http://p:1/"],
    ["http://a.example/", { HTTP_PROXY: "p:1", no_proxy: " ", NO_PROXY: "*" }, undefined],
    ["http://a.example/", { HTTP_PROXY: "p:1", NO_PROXY: "*" }, undefined],
    ["http://a.example/", { HTTP_PROXY: "p:1", NO_PROXY: "b.example, a.example" }, undefined],
    ["http://x.a.example/", { HTTP_PROXY: "p:1", NO_PROXY: "a.example" }, undefined],
    ["http://x.a.example/", { HTTP_PROXY: "p:1", no_proxy: ".a.example" }, undefined],
    ["http://xa.example/", { HTTP_PROXY: "p:1", NO_PROXY: "a.example" }, "http://p:1/"],
    ["http://a.example:8080/", { HTTP_PROXY: "p:1", NO_PROXY: "a.example:80" }, "http://p:1/"],
    ["http://a.example/", { HTTP_PROXY: "p:1", NO_PROXY: "a.example:80" }, undefined],
    ["http://[::1]:8080/", { HTTP_PROXY: "p:1", NO_PROXY: "::1" }, undefined],
    ["http://[::1]:8080/", { HTTP_PROXY: "p:1", NO_PROXY: "[::1]:8080" }, undefined],
    ["http://127.0.0.1/", { HTTP_PROXY: "p:1", NO_PROXY: "localhost,127.0.0.1" }, undefined],
  ])("is chosen by the URL %s and the variables %j: %s", (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(proxy);
  });

  it.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])("is refused by its variable %s, without its password", (name) => {
    const env = { [name]: "socks5://me:secret@p:1" };
    const message = `${name} needs an http:// or https:// URL`;
    expect(() => proxyFor(new URL("http://a.example/"), env)).toThrow(new CommandError(message));
  });

  it("gets the requests, with their headers", async () => {
    await using endpoint = await startEndpoint();
    const seen: (string | undefined)[] = [];
    const proxy = createServer((incoming, outgoing) => {
      seen.push(incoming.url);
      const forward = request(String(incoming.url), { method: "POST", headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500);
        answer.pipe(outgoing);
      });
      incoming.pipe(forward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const address = proxy.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const target = httpTarget(new URL(endpoint.url), {
      clock: systemClock,
      proxy: new URL(`http://127.0.0.1:${port}`),
      headers: parseHeaders(["Authorization: Bearer t", "User-Agent: mine"]),
      keyPerAttempt: true,
    });
    const context = { idempotencyKey: "k", fence: 7, attempt: 2, workspaceId: "wörk", subscriptionId: "s" };
    const event = {
      format: "opaque",
      eventId: "e",
      attributes: {},
      headers: {},
      contentType: "text/plain",
      body: "b",
      original: "",
    } as const;
    expect(await target.dispatch(event, { ...context, signal: new AbortController().signal })).toBeUndefined();
    expect(seen).toEqual([endpoint.url]);
    expect(endpoint.received[0]?.headers).toMatchObject({
      authorization: "Bearer t",
      "user-agent": "mine",
      "idempotency-key": "k:7",
      "latchkey-workspace": "w%C3%B6rk",
    });
    proxy.closeAllConnections();
    proxy.close();
  });
});

describe("--header", () => {
  it("has its last value, without surrounding spaces", () => {
    expect(parseHeaders(["A:  b:c ", "a: d", "Empty:"])).toEqual({ a: "d", empty: "" });
  });

  it.each(["none", ": x", "a b: x", "a: \u0000", "a: x\ny"])("refuses %j without its value", (line) => {
    expect(() => parseHeaders([line])).toThrow(
      /^--header needs the form "Name: value", with characters that HTTP allows$/,
    );
  });

  it.each(["Idempotency-Key", "latchkey-fence", "Content-Length"])("refuses %s, which Latchkey sets", (name) => {
    expect(() => parseHeaders([`${name}: secret`])).toThrow(
      `--header cannot set \`${name.toLowerCase()}\`: Latchkey sets it`,
    );
  });
});
