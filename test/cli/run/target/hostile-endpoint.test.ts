import { createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { httpTarget } from "../../../../src/cli/run/target/http-target.ts";
import type { TargetContext, TargetFailure } from "../../../../src/cli/run/target/target.ts";
import { systemClock } from "../../../../src/internal/clock.ts";

const event: IncomingEvent = {
  format: "cloud-event",
  eventId: "e",
  attributes: { id: "1" },
  headers: {},
  contentType: "application/json",
  body: "{}",
  original: "",
};

/** Behaviour of an endpoint on a connection that has received a request. */
type Behaviour = (socket: Socket, requestsOnConnection: number) => void;

let server: Server;
let behaviour: Behaviour = () => {};
let connections = 0;
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let requests = 0;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (data) => {
      if (!data.toString("latin1").startsWith("POST")) return;
      requests += 1;
      behaviour(socket, requests);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function targetHere(): ReturnType<typeof httpTarget> {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return httpTarget(new URL(`http://127.0.0.1:${port}/`), { clock: systemClock });
}

interface Attempted {
  readonly outcome: TargetFailure | undefined;
  readonly tookMs: number;
}

/** Dispatches with a time limit, as `run` does. */
async function attempt(how: Behaviour, timeoutMs: number, target = targetHere()): Promise<Attempted> {
  behaviour = how;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const context: TargetContext = {
    ...{ idempotencyKey: "k", fence: 1, attempt: 1, workspaceId: "default", subscriptionId: "s" },
    signal: controller.signal,
  };
  const startedMs = systemClock.monotonicMs();
  const outcome = await target.dispatch(event, context);
  clearTimeout(timer);
  return { outcome, tookMs: systemClock.monotonicMs() - startedMs };
}

const TIMEOUT_MS = 120;
const LIMIT_MS = TIMEOUT_MS + 1_000;

/** Writes until the other side closes the connection. */
function writeForever(socket: Socket, chunk: string): void {
  const more = (): void => {
    if (!socket.destroyed) socket.write(chunk, () => setImmediate(more));
  };
  more();
}

const ending = fc.constantFrom("hang", "end", "reset");
const finish = (socket: Socket, how: "hang" | "end" | "reset"): void => {
  if (how === "end") socket.end();
  if (how === "reset") socket.resetAndDestroy();
};

describe("a hostile endpoint", () => {
  it("never makes an attempt outlive its time limit, at any cut of its response", async () => {
    const response = fc.record({
      status: fc.integer({ min: 100, max: 599 }),
      headers: fc.constantFrom(
        "",
        "content-length: 5\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: upgrade\r\nupgrade: x\r\n",
      ),
      body: fc.constantFrom("", "hello", "5\r\nhello\r\n0\r\n\r\n", "garbage garbage"),
    });
    await fc.assert(
      fc.asyncProperty(
        response,
        fc.double({ min: 0, max: 1, noNaN: true }),
        ending,
        async ({ status, headers, body }, share, how) => {
          const head = `HTTP/1.1 ${status} Status\r\n${headers}\r\n`;
          const text = head + body;
          const sent = text.slice(0, Math.round(share * text.length));
          const { outcome, tookMs } = await attempt(
            (socket) => socket.write(sent, () => finish(socket, how)),
            TIMEOUT_MS,
          );
          expect(tookMs).toBeLessThan(LIMIT_MS);
          // Once the headers of a final status are complete, the status decides.
          const isDecided = status >= 200 && sent.length >= head.length;
          if (isDecided && how !== "reset") {
            expect(outcome).toEqual(status <= 299 ? undefined : { failure: "status", status });
          }
          if (!isDecided && status !== 101) expect(["aborted", "unreachable"]).toContain(outcome?.failure);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each<
    readonly [
      name: string,
      how: Behaviour,
      outcome: { readonly failure: unknown; readonly status?: number; readonly code?: unknown },
    ]
  >([
    ["never answers", () => {}, { failure: "aborted" }],
    [
      "switches protocols",
      (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
      { failure: "status", status: 101 },
    ],
    [
      "switches protocols unasked",
      (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
      { failure: expect.stringMatching(/aborted|status|unreachable/) },
    ],
    [
      "sends informational responses forever",
      (socket) => writeForever(socket, "HTTP/1.1 103 Early Hints\r\n\r\n"),
      { failure: "unreachable", code: "ONLY_INFORMATIONAL" },
    ],
    [
      "sends a few informational responses, and then a final one",
      (socket) =>
        socket.write(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)}HTTP/1.1 422 X\r\ncontent-length: 0\r\n\r\n`),
      { failure: "status", status: 422 },
    ],
    [
      "sends headers forever",
      (socket) => writeForever(socket, "HTTP/1.1 200 OK\r\nx: y\r\n"),
      { failure: expect.stringMatching(/aborted|unreachable/) },
    ],
    [
      "sends one header byte at a time",
      (socket) => writeForever(socket, "H"),
      { failure: expect.stringMatching(/aborted|unreachable/) },
    ],
    [
      "does not speak HTTP",
      (socket) => socket.write("SSH-2.0-OpenSSH\r\n"),
      { failure: "unreachable", code: expect.stringMatching(/^HPE_/) },
    ],
    [
      "resets the connection",
      (socket) => void socket.resetAndDestroy(),
      { failure: "unreachable", code: "ECONNRESET" },
    ],
  ])("ends the attempt in time if it %s", async (_, how, outcome) => {
    // An attempt that needs no abort to end gets more time, because the machine may be busy.
    const endsItself = typeof outcome.failure === "string" && outcome.failure !== "aborted";
    const attempted = await attempt(how, endsItself ? 10 * TIMEOUT_MS : TIMEOUT_MS);
    expect(attempted.outcome).toMatchObject(outcome);
    expect(attempted.tookMs).toBeLessThan(LIMIT_MS);
  });

  it.each<readonly [status: number, outcome: object | undefined]>([
    [200, undefined],
    [422, { failure: "status", status: 422 }],
    [500, { failure: "status", status: 500 }],
  ])(
    "decides by its status %i long before the time limit, although its body is endless or silent",
    async (status, outcome) => {
      const head = `HTTP/1.1 ${status} Status\r\ncontent-length: 1000000000\r\n\r\n`;
      const bodies: readonly Behaviour[] = [
        (socket) => socket.write(head),
        (socket) => socket.write(head, () => writeForever(socket, "x")),
        (socket) => socket.write(head, () => writeForever(socket, "x".repeat(100_000))),
      ];
      for (const how of bodies) {
        const attempted = await attempt(how, 60_000);
        expect(attempted.outcome).toEqual(outcome);
        expect(attempted.tookMs).toBeLessThan(10_000);
      }
    },
  );

  it("gets the request again on a new connection, in the same attempt, after it closed an idle one", async () => {
    const target = targetHere();
    const answer = "HTTP/1.1 204 No Content\r\n\r\n";
    const once: Behaviour = (socket, requests) => {
      if (requests === 1) socket.write(answer);
      else socket.resetAndDestroy();
    };
    await attempt(once, 60_000, target);
    const before = connections;
    expect((await attempt(once, 60_000, target)).outcome).toBeUndefined();
    expect(connections).toBe(before + 1);
  });

  it("gets no request again if it has answered a part of it on a kept-alive connection", async () => {
    const target = targetHere();
    let requests = 0;
    await attempt((socket) => socket.write("HTTP/1.1 204 No Content\r\n\r\n"), 60_000, target);
    const cut: Behaviour = (socket) => {
      requests += 1;
      socket.write("HTTP/1.1 200", () => setImmediate(() => socket.resetAndDestroy()));
    };
    expect((await attempt(cut, 60_000, target)).outcome).toMatchObject({ failure: "unreachable" });
    expect(requests).toBe(1);
  });

  it("fails after one repetition if it closes every connection", async () => {
    const target = targetHere();
    let requests = 0;
    await attempt((socket) => socket.write("HTTP/1.1 204 No Content\r\n\r\n"), 60_000, target);
    const refuse: Behaviour = (socket) => {
      requests += 1;
      socket.resetAndDestroy();
    };
    expect((await attempt(refuse, 60_000, target)).outcome).toMatchObject({ failure: "unreachable" });
    expect(requests).toBe(2);
  });
});
