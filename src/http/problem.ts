/** Reasons why a request got no regular answer. */
export type ProblemCode =
  | "method-not-allowed"
  | "bad-request"
  | "no-identity"
  | "bad-signature"
  | "too-large"
  | "too-slow"
  | "pending"
  | "fenced"
  | "payload-mismatch"
  | "permanent"
  | "dispatch-failed"
  | "misused"
  | "unavailable";

const problems: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  "method-not-allowed": [405, "Only POST is supported"],
  "bad-request": [400, "The request cannot be read"],
  "no-identity": [400, "The request names no event"],
  "bad-signature": [401, "The signature is missing or wrong"],
  "too-large": [413, "The body is too large"],
  "too-slow": [408, "The body did not arrive in time"],
  pending: [409, "The event is being processed"],
  fenced: [412, "A later attempt has replaced this one"],
  "payload-mismatch": [422, "The event arrived before with a different payload"],
  permanent: [422, "The event can never be processed"],
  "dispatch-failed": [500, "The event could not be processed"],
  misused: [500, "The server cannot read the request"],
  unavailable: [503, "The service cannot accept the event now"],
};

export interface ProblemDetails {
  /** Explanation of this occurrence. It never contains a payload, a secret or a stack trace. */
  readonly detail?: string;
  /** Time after which a retry is useful, in milliseconds. Sent as `Retry-After`, in whole seconds. */
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default the status of the code */
  readonly status?: number;
}

/** Returns a response with problem details (RFC 9457). */
export function problem(code: ProblemCode, details: ProblemDetails = {}): Response {
  const [usualStatus, title] = problems[code];
  const { detail, retryAfterMs, headers, status = usualStatus } = details;
  const body = { type: "about:blank", title, status, code, ...(detail === undefined ? {} : { detail }) };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
      ...headers,
    },
  });
}

/** Returns the answer to every method but POST. */
export function methodNotAllowed(): Response {
  return problem("method-not-allowed", { headers: { allow: "POST" } });
}
