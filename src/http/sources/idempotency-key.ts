import { hash } from "node:crypto";
import { UnidentifiedError } from "../../errors.ts";
import { sourcePath } from "../../model/identify/sender-scope.ts";
import { headerName, headerText } from "../fields.ts";
import type { RawRequest } from "../raw-request.ts";
import type { Source } from "../source.ts";

/** Options of {@link idempotencyKey}. */
export interface IdempotencyKeyOptions {
  /** Header with the key. @default "Idempotency-Key" */
  readonly header?: string;
  /**
   * Returns the scope of the key, such as the caller's account. Two scopes never share a key. Only a hash of the scope is stored.
   * @default the request's path
   */
  readonly scope?: (request: RawRequest) => string;
  /** Verifies requests. Without it, the route must be protected otherwise. */
  readonly verify?: NonNullable<Source["verify"]>;
}

/**
 * Requests with an idempotency key, as `latchkey run` and other clients send them.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function idempotencyKey(options: IdempotencyKeyOptions = {}): Source {
  const { scope = ({ url }: RawRequest) => url.pathname, verify } = options;
  const header = headerName("header", options.header ?? "Idempotency-Key");
  return {
    name: "idempotency-key",
    signsId: false,
    sharesScope: options.scope === undefined,
    ...(verify && { verify }),
    identify(request) {
      return {
        source: sourcePath("requests", hash("sha256", scope(request), "base64url")),
        id: unquoted(headerText(request, header)),
        type: "request",
      };
    },
  };
}

/** The draft writes keys as structured-field strings, in quotes; many clients send them bare. Both name the same key. */
function unquoted(value: string): string {
  const key = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1]?.replace(/\\(["\\])/g, "$1") ?? value;
  if (key === "") throw new UnidentifiedError("The idempotency key is empty");
  return key;
}
