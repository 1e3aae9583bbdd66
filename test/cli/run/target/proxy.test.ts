import { createServer, type IncomingMessage, type RequestListener, request, type Server } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { httpTarget } from "../../../../src/cli/run/target/http-target.ts";
import { proxyFor } from "../../../../src/cli/run/target/proxy.ts";
import { parseHeaders } from "../../../../src/cli/run/target/request-headers.ts";
import type { TargetContext } from "../../../../src/cli/run/target/target.ts";
import { CommandError } from "../../../../src/cli/terminal/command-error.ts";
import { systemClock } from "../../../../src/internal/clock.ts";
import { startEndpoint } from "../../support/endpoint.ts";

const context: TargetContext = {
  ...{ idempotencyKey: "k", fence: 7, attempt: 2, workspaceId: "wörk", subscriptionId: "s" },
  signal: new AbortController().signal,
};
const event: IncomingEvent = {
  format: "opaque",
  eventId: "e",
  attributes: {},
  headers: {},
  contentType: "text/plain",
  body: "b",
  original: "",
};

interface RunningProxy extends AsyncDisposable {
  readonly url: URL;
  readonly server: Server;
}

async function startProxy(answer: RequestListener): Promise<RunningProxy> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends a request on to the endpoint that it names. */
const forward: RequestListener = (incoming, outgoing) => {
  const { url, headers } = incoming;
  const onward = request(String(url), { method: "POST", headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 500);
    answer.pipe(outgoing);
  });
  incoming.pipe(onward);
};

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
    await using proxy = await startProxy((incoming, outgoing) => {
      seen.push(incoming.url);
      forward(incoming, outgoing);
    });
    const target = httpTarget(new URL(endpoint.url), {
      clock: systemClock,
      proxy: proxy.url,
      headers: parseHeaders(["Authorization: Bearer t", "User-Agent: mine"]),
      keyPerAttempt: true,
    });
    expect(await target.dispatch(event, context)).toBeUndefined();
    expect(seen).toEqual([endpoint.url]);
    expect(endpoint.received[0]?.headers).toMatchObject({
      authorization: "Bearer t",
      "user-agent": "mine",
      "idempotency-key": "k:7",
      "latchkey-workspace": "w%C3%B6rk",
    });
  });

  it("gets the request again on a new connection after it closed an idle one", async () => {
    await using endpoint = await startEndpoint();
    const connections = new Set<Socket>();
    await using proxy = await startProxy((incoming, outgoing) => {
      const isReused = connections.has(incoming.socket);
      connections.add(incoming.socket);
      if (isReused) incoming.socket.destroy();
      else forward(incoming, outgoing);
    });
    const target = httpTarget(new URL(endpoint.url), { clock: systemClock, proxy: proxy.url });
    const failures: unknown[] = [];
    for (let times = 0; times < 4; times += 1) failures.push(await target.dispatch(event, context));
    expect(failures).toEqual([undefined, undefined, undefined, undefined]);
    expect(endpoint.received).toHaveLength(4);
  });

  it("is asked for a tunnel to an https:// endpoint, which is unreachable if it refuses", async () => {
    const tunnels: (string | undefined)[] = [];
    await using proxy = await startProxy(() => {});
    proxy.server.on("connect", ({ url }: IncomingMessage, socket: Socket) => {
      tunnels.push(url);
      socket.destroy();
    });
    const target = httpTarget(new URL("https://a.example/"), { clock: systemClock, proxy: proxy.url });
    expect(await target.dispatch(event, context)).toMatchObject({ failure: "unreachable" });
    expect(tunnels).toEqual(["a.example:443"]);
  });

  it("is named as unreachable itself if nothing listens at its address", async () => {
    const proxy = await startProxy(() => {});
    await proxy[Symbol.asyncDispose]();
    const target = httpTarget(new URL("http://a.example/"), { clock: systemClock, proxy: proxy.url });
    expect(await target.dispatch(event, context)).toEqual({
      failure: "unreachable",
      code: "ECONNREFUSED",
      via: "proxy",
    });
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
