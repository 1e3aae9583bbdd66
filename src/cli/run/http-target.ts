import type { Clock } from "../../clock.ts";
import type { IncomingEvent } from "./incoming.ts";
import type { DispatchContext, DispatchFailure, Target } from "./target.ts";

/** POSTs events to an HTTP endpoint, in the binary mode of CloudEvents; any status from 200 to 299 is success. */
export function httpTarget(endpoint: URL, clock: Clock): Target {
  const { url, authorization } = splitCredentials(endpoint);
  return {
    name: `${url.origin}${url.pathname}`,
    async dispatch(event, context) {
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { ...requestHeaders(event, context), ...authorization },
          body: event.contentType === undefined ? null : event.body,
          // A redirected POST may turn into a GET without the event; the new address belongs into the settings.
          redirect: "manual",
          signal: context.signal,
        });
        await discardBody(response);
        return response.ok ? undefined : statusFailure(response, clock.wallMs());
      } catch (error) {
        if (context.signal.aborted) return { failure: "aborted" };
        return { failure: "unreachable", code: codeOf(error) };
      }
    },
  };
}

/** `fetch` takes no URL with a user in it. */
function splitCredentials(endpoint: URL): { url: URL; authorization: Record<string, string> } {
  const url = new URL(endpoint);
  if (url.username === "" && url.password === "") return { url, authorization: {} };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  return { url, authorization: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } };
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

/** As the HTTP binding of CloudEvents has it: everything but printable ASCII, and `"` and `%`, as UTF-8 bytes. */
function percentEncoded(value: string, kept = ""): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (char) => (kept.includes(char) ? char : encodeURIComponent(char)));
}

const DISCARDED_BYTES = 64 * 1024;

/** Reads what the endpoint answered, so that the connection can be used again; the status alone says how it went. */
async function discardBody(response: Response): Promise<void> {
  let left = DISCARDED_BYTES;
  try {
    const chunks: AsyncIterable<unknown> | undefined = response.body ?? undefined;
    for await (const chunk of chunks ?? []) {
      left -= chunk instanceof Uint8Array ? chunk.byteLength : 0;
      if (left < 0) break;
    }
  } catch {
    // An answer that breaks off after its status changes nothing.
  }
}

function statusFailure(response: Response, nowMs: number): DispatchFailure {
  const asked = response.headers.get("retry-after") ?? "";
  const waitMs = /^\d+$/.test(asked) ? Number(asked) * 1_000 : Date.parse(asked) - nowMs;
  const { status } = response;
  return waitMs > 0 ? { failure: "status", status, retryAfterMs: waitMs } : { failure: "status", status };
}

/** `fetch` hides what happened to the connection in its error's cause. */
function codeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  }
  return undefined;
}
