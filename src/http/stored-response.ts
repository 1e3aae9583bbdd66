import { isObject } from "../internal/is-object.ts";

/** A response as JSON, small enough to be stored with a commit and replayed byte for byte. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Body in base64. */
  readonly body: string;
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

/** Returns the parts of a response to store. */
export function storeResponse(
  { status, headers }: Pick<Response, "status" | "headers">,
  body: Uint8Array,
  fence: number | undefined,
): StoredResponse {
  return {
    status,
    headers: [...headers].filter(([name]) => !NOT_STORED.has(name)),
    body: Buffer.from(body).toString("base64"),
    ...(fence === undefined ? {} : { fence }),
  };
}

/** Returns the stored response in `value`, or `undefined` if it holds none. */
export function readStoredResponse(value: unknown): StoredResponse | undefined {
  if (!isObject(value)) return undefined;
  const { status, headers, body, fence } = value;
  const isStored =
    typeof status === "number" && status >= 200 && status <= 599 && Array.isArray(headers) && typeof body === "string";
  if (!isStored || !headers.every(isHeader)) return undefined;
  return { status, headers, body, ...(typeof fence === "number" ? { fence } : {}) };
}

/** Builds the replay of a stored response. */
export function replay({ status, headers, body }: StoredResponse): Response {
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  const response = new Response(hasBody ? Buffer.from(body, "base64") : null, {
    status,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
  });
  response.headers.set("idempotency-replayed", "true");
  return response;
}

function isHeader(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
