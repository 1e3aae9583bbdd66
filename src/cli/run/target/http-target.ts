import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Clock } from "../../../internal/clock.ts";
import type { IncomingEvent } from "../event/read-event.ts";
import type { DispatchContext, DispatchFailure, Target } from "./target.ts";

/** POSTs events to an HTTP endpoint in the CloudEvents binary mode. A 2xx status is success. */
export function httpTarget(url: URL, clock: Clock): Target {
  // `fetch` has less than half the throughput.
  const isSecure = url.protocol === "https:";
  const send = isSecure ? requestHttps : requestHttp;
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  return {
    name: `${url.origin}${url.pathname}`,
    dispatch: (event, context) =>
      new Promise((resolve) => {
        const { signal } = context;
        const body = Buffer.from(event.body);
        const headers = { ...requestHeaders(event, context), "content-length": body.byteLength };
        let status: DispatchFailure | "success" | undefined;
        const end = (error?: Error): void => {
          // The status decides, even if the response is truncated after it.
          if (status !== undefined) resolve(status === "success" ? undefined : status);
          else resolve(signal.aborted ? { failure: "aborted" } : { failure: "unreachable", code: codeOf(error) });
        };
        const request = send(url, { method: "POST", agent, headers, signal }, (response) => {
          status = statusOf(response, clock.wallMs());
          discardBody(response);
          response.once("close", end);
        });
        request.once("error", end).end(body);
      }),
  };
}

function requestHeaders(event: IncomingEvent, context: DispatchContext): Record<string, string> {
  const headers: Record<string, string> = { ...event.headers };
  for (const [name, value] of Object.entries(event.attributes)) headers[`ce-${name}`] = percentEncoded(value);
  if (event.contentType !== undefined) headers["content-type"] = percentEncoded(event.contentType, ' "%');
  return {
    ...headers,
    "user-agent": "latchkey",
    "idempotency-key": context.key,
    "latchkey-fence": String(context.fence),
    "latchkey-attempt": String(context.attempt),
  };
}

/** Percent-encodes a value as in the HTTP binding of CloudEvents: all but printable ASCII, and also `"` and `%`. */
function percentEncoded(value: string, unencoded = ""): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) =>
    unencoded.includes(char) ? char : encodeURIComponent(char),
  );
}

const DISCARDED_BYTES = 64 * 1024;

/** Reads the response body, so that the connection can be reused. Gives up on long bodies. */
function discardBody(response: IncomingMessage): void {
  let left = DISCARDED_BYTES;
  response.on("error", () => {});
  response.on("data", (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) response.destroy();
  });
}

/** Does not follow redirects: a redirected POST can become a GET without the event. */
function statusOf({ statusCode: status = 0, headers }: IncomingMessage, nowMs: number): DispatchFailure | "success" {
  if (status >= 200 && status <= 299) return "success";
  const retryAfter = headers["retry-after"] ?? "";
  const waitMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - nowMs;
  return waitMs > 0 ? { failure: "status", status, retryAfterMs: waitMs } : { failure: "status", status };
}

function codeOf(error: Error | undefined): string | undefined {
  return error !== undefined && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
