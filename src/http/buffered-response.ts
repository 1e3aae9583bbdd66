import { abortable } from "../internal/abort.ts";
import { systemClock, within } from "../internal/clock.ts";
import { readAll } from "./unread-request.ts";

/** A response with its complete body. */
export interface BufferedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

const MAX_RESPONSE_BYTES = 100 * 1_024 * 1_024;
/** Headers of one connection. The length of the body follows from the body. */
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * Reads a response to its end.
 * @throws {TypeError | RangeError} if it is a network error, or its body was read before, is too large, or does not end in time.
 * @throws the reason of `signal` as soon as it aborts.
 */
export async function bufferResponse(
  response: Response,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<BufferedResponse> {
  const { status } = response;
  if (status < 200 || status > 599) throw new RangeError(`The handler returned a response with status ${status}`);
  if (response.bodyUsed) throw new TypeError("The handler returned a response whose body was read before");
  const headers = new Headers(response.headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  // `fetch` has decoded the body of its response. A handler that builds a response encodes the body itself.
  if (response.url !== "") headers.delete("content-encoding");
  const reader = response.body?.getReader();
  try {
    const body = await abortable(within(systemClock, timeoutMs, readAll(reader, MAX_RESPONSE_BYTES)), signal);
    if (body === "late") throw new RangeError(`The handler's response did not end within ${timeoutMs} ms`);
    if (body === "too-large") throw new RangeError(`The handler's response exceeds ${MAX_RESPONSE_BYTES} bytes`);
    return { status, headers, body };
  } finally {
    reader?.cancel().catch(() => {});
  }
}

/** Builds a response. A status that allows no body gets none. */
export function toResponse({ status, headers, body }: BufferedResponse): Response {
  const isEmpty = status === 204 || status === 205 || status === 304 || body.byteLength === 0;
  return new Response(isEmpty ? null : body, { status, headers });
}
