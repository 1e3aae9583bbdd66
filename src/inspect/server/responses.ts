/** Why a request was refused or failed. */
export type ErrorResponseCode =
  | "wrong-host"
  | "wrong-origin"
  | "token-needed"
  | "forbidden"
  | "read-only"
  | "wrong-request"
  | "not-found"
  | "wrong-method"
  | "unreadable"
  | "unsupported"
  | "store-unavailable"
  | "failed";

const statuses: Readonly<Record<ErrorResponseCode, number>> = {
  "wrong-host": 421,
  "wrong-origin": 403,
  "token-needed": 401,
  forbidden: 403,
  "read-only": 403,
  "wrong-request": 400,
  "not-found": 404,
  "wrong-method": 405,
  unreadable: 422,
  unsupported: 501,
  "store-unavailable": 503,
  failed: 500,
};

/** Headers of every response. Nothing is cached, framed, sniffed, or readable by another site. */
const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Content security policy of every response but the page. */
const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Creates a response with the headers that all responses share. */
export function respond(
  body: ConstructorParameters<typeof Response>[0],
  type: string | undefined,
  more: {
    readonly policy?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly status?: number;
  } = {},
): Response {
  const { policy = NO_CONTENT_POLICY, headers = {}, status = 200 } = more;
  return new Response(body, {
    status,
    headers: {
      ...HEADERS,
      ...(type === undefined ? {} : { "content-type": type }),
      "content-security-policy": policy,
      ...headers,
    },
  });
}

export function respondJson(
  value: unknown,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  return respond(JSON.stringify(value), "application/json", more);
}

/** Creates an error response. */
export function errorResponse(
  code: ErrorResponseCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return respondJson({ problem: code, message }, { status: statuses[code], headers });
}
