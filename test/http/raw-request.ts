import type { RawRequest } from "../../src/http/raw-request.ts";

/** Builds a raw request as a receiver reads it. */
export function rawRequest(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
  receivedAtMs = 0,
): RawRequest {
  return {
    method: "POST",
    url: new URL("http://127.0.0.1/hook"),
    headers: new Headers(headers),
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    receivedAtMs,
  };
}
