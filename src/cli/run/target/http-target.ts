import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { onAbort } from "../../../internal/abort.ts";
import type { Clock } from "../../../internal/clock.ts";
import { encodeHeaderAttribute } from "../../../model/cloud-event.ts";
import type { IncomingEvent } from "../event/incoming-event.ts";
import { traceContextOf } from "../event/trace-context.ts";
import { ONLY_INFORMATIONAL } from "./connection-errors.ts";
import type { Target, TargetContext, TargetFailure } from "./target.ts";

export interface HttpTargetOptions {
  readonly clock: Clock;
  /** Additional request headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Proxy for all requests. */
  readonly proxy?: URL | undefined;
  /** Sends another Idempotency-Key with every attempt, for endpoints that replay a failed response. */
  readonly keyPerAttempt?: boolean;
}

type Result = TargetFailure | undefined;

/** The only status of a response that upgrades its connection. */
const SWITCHING_PROTOCOLS = 101;

/** POSTs events to an HTTP endpoint in the CloudEvents binary mode. A 2xx status is success. */
export function httpTarget(
  url: URL,
  { clock, headers: extra = {}, proxy, keyPerAttempt = false }: HttpTargetOptions,
): Target {
  // `fetch` has less than half the throughput.
  const isSecure = url.protocol === "https:";
  const send = isSecure ? requestHttps : requestHttp;
  const keptAlive = agentFor(isSecure, proxy, { keepAlive: true });
  const via = proxy === undefined ? {} : ({ via: "proxy" } as const);

  const attempt = (event: IncomingEvent, context: TargetContext, isRepeated: boolean): Promise<Result> =>
    new Promise((resolve) => {
      const body = Buffer.from(event.body);
      const headers = {
        ...requestHeaders(event, context, { extra, keyPerAttempt }),
        "content-length": body.byteLength,
      };
      const agent = isRepeated ? agentFor(isSecure, proxy, { keepAlive: false }) : keptAlive;
      const request = send(url, { method: "POST", agent, headers });
      let isSettled = false;
      let bytesBefore = 0;
      request.once("socket", (socket) => (bytesBefore = socket.bytesRead));
      const settle = (outcome: Result | Promise<Result>): void => {
        if (isSettled) return;
        isSettled = true;
        leave();
        resolve(outcome);
      };
      const leave = onAbort(context.signal, () => {
        settle({ failure: "aborted" });
        request.destroy();
      });
      request.once("response", (response) => {
        // The status decides. The body only matters for the connection.
        const found = outcomeOf(response, clock.wallMs());
        const outcome = found && { ...found, ...via };
        isSettled = true;
        leave();
        void bodyEnd(response, request, clock).then(() => resolve(outcome));
      });
      let informational = 0;
      request.on("information", () => {
        informational += 1;
        if (informational < MAX_INFORMATIONAL) return;
        settle({ failure: "unreachable", code: ONLY_INFORMATIONAL, ...via });
        request.destroy();
      });
      request.once("upgrade", (_, socket) => {
        socket.on("error", () => {}).destroy();
        settle({ failure: "status", status: SWITCHING_PROTOCOLS, ...via });
      });
      // Also after the outcome: an unhandled error would end the process.
      request.on("error", (error) => {
        const code = codeOf(error);
        const isUnanswered = request.socket?.bytesRead === bytesBefore;
        const isReused = request.reusedSocket && isUnanswered && !isRepeated;
        const isStale = isReused && code !== undefined && STALE_CODES.has(code);
        settle(isStale ? attempt(event, context, true) : { failure: "unreachable", code, ...via });
      });
      request.once("close", () => settle({ failure: "unreachable", code: "ECONNRESET", ...via }));
      request.end(body);
    });

  return {
    kind: "endpoint",
    name: `${url.origin}${url.pathname}`,
    dispatch: async (event, context) =>
      context.signal.aborted ? { failure: "aborted" } : await attempt(event, context, false),
  };
}

/** Maximum number of informational responses (1xx) before the final one. A flood of them occupies the process beyond the time limit. */
const MAX_INFORMATIONAL = 100;

/**
 * Errors of a reused connection that the server closed while it was idle. The server never saw the request, so it is repeated on a
 * new connection and does not count as an attempt.
 */
const STALE_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

function agentFor(isSecure: boolean, proxy: URL | undefined, options: { readonly keepAlive: boolean }): HttpAgent {
  if (proxy !== undefined) return isSecure ? new HttpsProxyAgent(proxy, options) : new HttpProxyAgent(proxy, options);
  return isSecure ? new HttpsAgent(options) : new HttpAgent(options);
}

function requestHeaders(
  event: IncomingEvent,
  context: TargetContext,
  { extra, keyPerAttempt }: { readonly extra: Readonly<Record<string, string>>; readonly keyPerAttempt: boolean },
): Record<string, string> {
  const headers: Record<string, string> = { ...event.headers };
  for (const [name, value] of Object.entries(event.attributes)) headers[`ce-${name}`] = encodeHeaderAttribute(value);
  if (event.contentType !== undefined) headers["content-type"] = encodeHeaderAttribute(event.contentType, ' "%');
  const { idempotencyKey, fence, attempt, workspaceId } = context;
  return {
    ...headers,
    ...traceContextOf(event),
    "user-agent": "latchkey",
    ...extra,
    "idempotency-key": keyPerAttempt ? `${idempotencyKey}:${fence}` : idempotencyKey,
    "latchkey-fence": String(fence),
    "latchkey-attempt": String(attempt),
    "latchkey-workspace": encodeHeaderAttribute(workspaceId),
  };
}

const MAX_BODY_BYTES = 64 * 1024;
/** Maximum time to read a response body, in milliseconds. */
const BODY_GRACE_MS = 250;

/** Resolves once the body was read, so that the connection can be reused. Closes the connection of a long or slow body. */
function bodyEnd(response: IncomingMessage, request: ClientRequest, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    let left = MAX_BODY_BYTES;
    const end = (): void => {
      cancel();
      resolve();
    };
    const giveUp = (): void => {
      end();
      request.destroy();
    };
    const cancel = clock.schedule(BODY_GRACE_MS, giveUp);
    response.on("error", () => {});
    response.on("data", (chunk: Buffer) => {
      left -= chunk.byteLength;
      if (left < 0) giveUp();
    });
    response.once("close", end);
  });
}

/** Does not follow redirects: a redirected POST can become a GET without the event. */
function outcomeOf({ statusCode: status = 0, headers }: IncomingMessage, nowMs: number): Result {
  if (status >= 200 && status <= 299) return undefined;
  const retryAfter = headers["retry-after"] ?? "";
  const waitMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - nowMs;
  return waitMs > 0 ? { failure: "status", status, retryAfterMs: waitMs } : { failure: "status", status };
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
