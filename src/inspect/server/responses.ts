/** Why a request was not answered as it was asked; the page matches on it. */
export type ProblemCode =
  | "wrong-host"
  | "wrong-origin"
  | "token-needed"
  | "read-only"
  | "wrong-request"
  | "not-found"
  | "changed"
  | "unreadable"
  | "store-unavailable"
  | "failed";

const statuses: Readonly<Record<ProblemCode, number>> = {
  "wrong-host": 421,
  "wrong-origin": 403,
  "token-needed": 401,
  "read-only": 403,
  "wrong-request": 400,
  "not-found": 404,
  changed: 409,
  unreadable: 422,
  "store-unavailable": 503,
  failed: 500,
};

/** Goes with every answer: nothing is kept, framed, sniffed, or read by another page. */
const HEADERS = {
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** What an answer that is no page may do in a browser: nothing. */
const NOTHING = "default-src 'none'; frame-ancestors 'none'";

export function answer(
  body: ConstructorParameters<typeof Response>[0],
  type: string,
  more: {
    readonly policy?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly status?: number;
  } = {},
): Response {
  const { policy = NOTHING, headers = {}, status = 200 } = more;
  return new Response(body, {
    status,
    headers: { ...HEADERS, "content-type": type, "content-security-policy": policy, ...headers },
  });
}

export function jsonAnswer(value: unknown, status = 200): Response {
  return answer(JSON.stringify(value), "application/json", { status });
}

/** An answer of JSON that says why there is no other. */
export function problem(code: ProblemCode, message: string): Response {
  return jsonAnswer({ problem: code, message }, statuses[code]);
}
