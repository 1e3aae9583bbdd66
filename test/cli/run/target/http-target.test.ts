import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { connectionText } from "../../../../src/cli/run/target/connection-errors.ts";
import { httpTarget } from "../../../../src/cli/run/target/http-target.ts";
import { isPermanent, type TargetFailure } from "../../../../src/cli/run/target/target.ts";
import { systemClock } from "../../../../src/internal/clock.ts";
import { type Answer, startEndpoint, status } from "../../support/endpoint.ts";
import { targetContext } from "../../support/target-context.ts";

const event: IncomingEvent = {
  format: "cloud-event",
  eventId: '["/orders","42"]',
  attributes: { specversion: "1.0", id: "42", source: "/orders", type: "order.placed" },
  headers: {},
  contentType: "application/json",
  body: '{"n":1}',
  original: "",
};

async function dispatched(answer: Answer, signal = targetContext.signal): Promise<TargetFailure | undefined> {
  await using endpoint = await startEndpoint(answer);
  return await httpTarget(new URL(endpoint.url), { clock: systemClock }).dispatch(event, { ...targetContext, signal });
}

describe("an HTTP endpoint", () => {
  it("gets the payload, the attributes, the idempotency key, the fence and the attempt", async () => {
    await using endpoint = await startEndpoint();
    const target = httpTarget(new URL(endpoint.url), { clock: systemClock });
    expect(await target.dispatch(event, targetContext)).toBeUndefined();
    expect(endpoint.received).toMatchObject([
      {
        method: "POST",
        body: Buffer.from('{"n":1}'),
        headers: {
          "content-type": "application/json",
          "idempotency-key": "trigger.dedup.v1:711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4",
          "latchkey-fence": "7",
          "latchkey-attempt": "2",
          "ce-specversion": "1.0",
          "ce-id": "42",
          "ce-source": "/orders",
          "ce-type": "order.placed",
        },
      },
    ]);
  });

  it("gets the trace context of the transport, otherwise of the event's attributes", async () => {
    await using endpoint = await startEndpoint();
    const target = httpTarget(new URL(endpoint.url), { clock: systemClock });
    const attributes = { ...event.attributes, traceparent: "00-of-attribute-01", tracestate: "a=1" };
    await target.dispatch({ ...event, attributes }, targetContext);
    await target.dispatch({ ...event, attributes, headers: { traceparent: "00-of-transport-01" } }, targetContext);
    expect(endpoint.received.map(({ headers }) => [headers["traceparent"], headers["tracestate"]])).toEqual([
      ["00-of-attribute-01", "a=1"],
      ["00-of-transport-01", "a=1"],
    ]);
  });

  it("gets the content type unchanged as far as a header allows", async () => {
    await using endpoint = await startEndpoint();
    const odd = { ...event, contentType: 'text/plain; charset="utf-8"; title=100% €' };
    await httpTarget(new URL(endpoint.url), { clock: systemClock }).dispatch(odd, targetContext);
    expect(endpoint.received[0]?.headers["content-type"]).toBe('text/plain; charset="utf-8"; title=100% %E2%82%AC');
  });

  it("gets nothing without a valid TLS handshake if its URL is https", async () => {
    await using endpoint = await startEndpoint();
    const url = new URL(endpoint.url.replace("http:", "https:"));
    const failure = await httpTarget(url, { clock: systemClock }).dispatch(event, targetContext);
    expect(failure).toMatchObject({ failure: "unreachable", code: expect.stringMatching(/SSL|EPROTO/) });
    expect(endpoint.received).toEqual([]);
  });

  it("gets attributes percent-encoded, without header injection", async () => {
    await using endpoint = await startEndpoint();
    const subject = 'Euro € 😀 "100%"\r\nEvil: 1\0';
    const odd = { ...event, attributes: { ...event.attributes, subject } };
    await httpTarget(new URL(endpoint.url), { clock: systemClock }).dispatch(odd, targetContext);
    expect(endpoint.received[0]?.headers["ce-subject"]).toBe(
      "Euro%20%E2%82%AC%20%F0%9F%98%80%20%22100%25%22%0D%0AEvil:%201%00",
    );
    expect(endpoint.received[0]?.headers).not.toHaveProperty("evil");
  });

  it("gets no body and no content type without a payload", async () => {
    await using endpoint = await startEndpoint();
    await httpTarget(new URL(endpoint.url), { clock: systemClock }).dispatch(
      { ...event, body: "", contentType: undefined },
      targetContext,
    );
    expect(endpoint.received[0]?.body).toHaveLength(0);
    expect(endpoint.received[0]?.headers).not.toHaveProperty("content-type");
    expect(endpoint.received[0]?.headers["content-length"]).toBe("0");
  });

  it("gets the user info of its URL as basic authentication, which its name hides", async () => {
    await using endpoint = await startEndpoint();
    const target = httpTarget(new URL(endpoint.url.replace("//", "//me:p%40ss@").concat("?token=secret")), {
      clock: systemClock,
    });
    await target.dispatch(event, targetContext);
    expect(endpoint.received[0]?.headers.authorization).toBe(`Basic ${btoa("me:p@ss")}`);
    expect(target.name).toBe(endpoint.url);
  });

  it.each([200, 201, 202, 204, 299])("succeeds with %i", async (code) => {
    expect(await dispatched(status(code))).toBeUndefined();
  });

  it.each([400, 410, 413, 415, 422])("rejects the event permanently with %i", async (code) => {
    const failure = await dispatched(status(code));
    expect(failure).toEqual({ failure: "status", status: code });
    expect(failure && isPermanent(failure)).toBe(true);
  });

  it.each([301, 302, 307, 401, 403, 404, 405, 408, 409, 425, 429, 500, 503])("is retried after %i", async (code) => {
    const failure = await dispatched(status(code, { location: "/elsewhere" }));
    expect(failure).toEqual({ failure: "status", status: code });
    expect(failure && isPermanent(failure)).toBe(false);
  });

  it.each([
    ["7", 7_000, 7_000],
    [new Date(Date.now() + 3_600_000).toUTCString(), 3_590_000, 3_600_000],
  ])("delays the retry with Retry-After: %s", async (asked, atLeast, atMost) => {
    const failure = await dispatched(status(503, { "retry-after": asked }));
    const waitMs = failure && "retryAfterMs" in failure ? failure.retryAfterMs : undefined;
    expect(waitMs).toBeGreaterThanOrEqual(atLeast);
    expect(waitMs).toBeLessThanOrEqual(atMost);
  });

  it.each(["soon", "-1", "0", new Date(0).toUTCString()])(
    "does not delay the retry with Retry-After: %s",
    async (asked) => {
      expect(await dispatched(status(503, { "retry-after": asked }))).toEqual({ failure: "status", status: 503 });
    },
  );

  it("succeeds if its response is truncated after the status", async () => {
    const answer: Answer = (_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("half");
      response.socket?.destroySoon();
    };
    expect(await dispatched(answer)).toBeUndefined();
  });

  it("fails if it disconnects or is absent", async () => {
    expect(await dispatched((_, response) => void response.socket?.destroy())).toMatchObject({
      failure: "unreachable",
    });
    const server = createServer().listen(0, "127.0.0.1");
    const address = await new Promise<ReturnType<typeof server.address>>((resolve) =>
      server.once("listening", () => resolve(server.address())),
    );
    await new Promise((resolve) => server.close(resolve));
    const port = typeof address === "object" ? address?.port : 0;
    const target = httpTarget(new URL(`http://127.0.0.1:${port}`), { clock: systemClock });
    expect(await target.dispatch(event, targetContext)).toEqual({ failure: "unreachable", code: "ECONNREFUSED" });
  });

  it("succeeds if the signal aborts after its status", async () => {
    const controller = new AbortController();
    const answer: Answer = (_, response) => {
      response.writeHead(200).write("endless");
      setTimeout(() => controller.abort(), 20);
    };
    expect(await dispatched(answer, controller.signal)).toBeUndefined();
  });

  it("succeeds with an endless body", async () => {
    const answer: Answer = (_, response) => {
      response.writeHead(200);
      // The client shares this process. On Node 26, a write's callback may come before any other event.
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(10_000), () => setImmediate(more));
      };
      more();
    };
    expect(await dispatched(answer)).toBeUndefined();
  });

  it("gets no request if the signal has aborted", async () => {
    await using endpoint = await startEndpoint();
    const aborted = { ...targetContext, signal: AbortSignal.abort() };
    expect(await httpTarget(new URL(endpoint.url), { clock: systemClock }).dispatch(event, aborted)).toEqual({
      failure: "aborted",
    });
    expect(endpoint.received).toHaveLength(0);
  });

  it("fails when the signal aborts", async () => {
    const controller = new AbortController();
    const failure = await dispatched(() => controller.abort(), controller.signal);
    expect(failure).toEqual({ failure: "aborted" });
  });

  it("is reached over reused connections", async () => {
    const ports = new Set<number | undefined>();
    await using endpoint = await startEndpoint((_, response) => {
      ports.add(response.socket?.remotePort);
      response.end("x".repeat(10_000));
    });
    const target = httpTarget(new URL(endpoint.url), { clock: systemClock });
    for (let times = 0; times < 20; times += 1) await target.dispatch(event, targetContext);
    // The client opens a second connection if the first one becomes free slightly late.
    expect(ports.size).toBeLessThan(10);
  });
});

describe("the reason why an endpoint is unreachable", () => {
  it.each<[string | undefined, string]>([
    ["ECONNREFUSED", "the endpoint is unreachable: nothing listens at its address (ECONNREFUSED)"],
    [
      "HPE_INVALID_CONSTANT",
      "the endpoint is unreachable: its response is not HTTP; if it speaks TLS, use an https:// URL (HPE_INVALID_CONSTANT)",
    ],
    ["ENOWHERE", "the endpoint is unreachable (ENOWHERE)"],
    [undefined, "the endpoint is unreachable"],
  ])("is explained, or has its code: %s", (code, text) => {
    expect(connectionText({ code })).toBe(text);
  });
});
