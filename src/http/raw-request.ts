import { type Clock, within } from "../internal/clock.ts";
import type { UnreadRequest } from "./unread-request.ts";

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
  request: UnreadRequest,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
  clock: Clock,
): Promise<RawRequest | "too-large" | "too-slow" | "bad-request"> {
  const receivedAtMs = clock.wallMs();
  const { method, url, headers } = request;
  if (Number(headers.get("content-length") ?? 0) > maxBodyBytes) return "too-large";
  try {
    const body = await within(clock, bodyTimeoutMs, request.read(maxBodyBytes));
    if (body === "late") return "too-slow";
    if (body === "too-large") return body;
    return { method, url, headers, body, receivedAtMs };
  } catch {
    return "bad-request";
  } finally {
    request.stop();
  }
}
