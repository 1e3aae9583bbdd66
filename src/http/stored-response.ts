import { MAX_RESULT_BYTES } from "../engine/stored-result.ts";
import { isObject } from "../internal/is-object.ts";
import { type BufferedResponse, toResponse } from "./buffered-response.ts";

/** A response as JSON, small enough to be stored with a commit. With its body, it is replayed byte for byte. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Body in base64, or `null` if it was too large to be stored. */
  readonly body: string | null;
  /** Highest fence among the requests that were answered with it. */
  readonly fence?: number;
}

/** Headers that belong to one connection or one moment, or that would leak a session. */
const NOT_STORED: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "set-cookie",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Returns the parts of a response to store. Leaves the body out if it or the whole is too large, and then the headers. */
export function storeResponse(
  { status, headers, body }: BufferedResponse,
  maxBodyBytes: number,
  fence: number | undefined,
): StoredResponse {
  const fields = {
    status,
    headers: [...headers].filter(([name]) => !NOT_STORED.has(name)),
    ...(fence === undefined ? {} : { fence }),
  };
  const complete = { ...fields, body: Buffer.from(body).toString("base64") };
  if (body.byteLength <= maxBodyBytes && fits(complete)) return complete;
  const withoutBody = { ...fields, body: null };
  return fits(withoutBody) ? withoutBody : { ...withoutBody, headers: [] };
}

function fits(stored: StoredResponse): boolean {
  return Buffer.byteLength(JSON.stringify(stored)) <= MAX_RESULT_BYTES;
}

/** Returns the stored response in `value`, or `undefined` if it holds none. */
export function readStoredResponse(value: unknown): StoredResponse | undefined {
  if (!isObject(value)) return undefined;
  const { status, headers, body, fence } = value;
  const hasStatus = typeof status === "number" && status >= 200 && status <= 599;
  if (!hasStatus || !Array.isArray(headers) || !headers.every(isHeader)) return undefined;
  if (typeof body !== "string" && body !== null) return undefined;
  return { status, headers, body, ...(typeof fence === "number" ? { fence } : {}) };
}

/** Builds the replay of a stored response. Only a complete one is marked as replayed. */
export function replayedResponse({ status, headers, body }: StoredResponse): Response {
  const response = toResponse({
    status,
    headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
    body: new Uint8Array(Buffer.from(body ?? "", "base64")),
  });
  if (body !== null) response.headers.set("idempotency-replayed", "true");
  return response;
}

function isHeader(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
