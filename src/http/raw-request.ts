import { type Clock, within } from "../internal/clock.ts";

/** A request with its complete body, as it arrived. Signatures cover these bytes. */
export interface RawRequest {
  /** HTTP method, in upper case. */
  readonly method: string;
  /** Complete URL of the request. */
  readonly url: URL;
  /** Headers of the request. */
  readonly headers: Headers;
  /** Raw body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Time of arrival by the wall clock, in milliseconds since 1970. */
  readonly receivedAtMs: number;
}

export interface BodyLimits {
  /** Maximum size of the body, in bytes. */
  readonly maxBodyBytes: number;
  /** Time within which the body must arrive, in milliseconds. */
  readonly bodyTimeoutMs: number;
}

/** Reads a request within its limits. Returns the reason if that is not possible, and stops reading then. */
export async function readRequest(
  request: Request,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
  clock: Clock,
): Promise<RawRequest | "too-large" | "too-slow" | "bad-request"> {
  const receivedAtMs = clock.wallMs();
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) return "too-large";
  const reader = request.body?.getReader();
  try {
    const body = await within(clock, bodyTimeoutMs, readAll(reader, maxBodyBytes));
    if (body === "late") return "too-slow";
    if (body === "too-large") return body;
    const { method, url, headers } = request;
    return { method, url: new URL(url), headers: new Headers(headers), body, receivedAtMs };
  } catch {
    return "bad-request";
  } finally {
    reader?.cancel().catch(() => {});
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Reads a body to its end, or until it exceeds the limit. */
export async function readAll(
  reader: Reader | undefined,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too-large"> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let chunk = await reader?.read(); chunk !== undefined && !chunk.done; chunk = await reader?.read()) {
    length += chunk.value.byteLength;
    if (length > maxBytes) return "too-large";
    chunks.push(chunk.value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}
