import type { TargetFailure } from "./target.ts";

type Unreachable = Extract<TargetFailure, { readonly failure: "unreachable" }>;

const NOT_TRUSTED =
  "its certificate is not trusted; set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority";

/** Code of an endpoint that sends informational responses (1xx) without end. */
export const ONLY_INFORMATIONAL = "ONLY_INFORMATIONAL";

/** Description of each failed connection, by its code. */
const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at its address",
  ECONNRESET: "it closed the connection without a response",
  EPIPE: "it closed the connection without a response",
  ENOTFOUND: "its host name cannot be resolved",
  EAI_AGAIN: "its host name cannot be resolved at the moment",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "there is no route to its host",
  ENETUNREACH: "there is no route to its network",
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  CERT_UNTRUSTED: NOT_TRUSTED,
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not yet valid",
  CERT_REVOKED: "its certificate is revoked",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host name",
  EPROTO: "it does not speak TLS at this port; use an http:// URL, or another port",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS at this port; use an http:// URL, or another port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS at this port; use an http:// URL, or another port",
  EMFILE: "this process has too many open files; lower --concurrency, or raise the limit (ulimit -n)",
  EADDRNOTAVAIL: "this machine has no free port for the connection; lower --concurrency",
  EACCES: "this machine does not allow the connection: check its firewall",
  EPERM: "this machine does not allow the connection: check its firewall",
  [ONLY_INFORMATIONAL]: "it sends informational responses (1xx) without a final one",
  HPE_HEADER_OVERFLOW: "its response headers are too long",
};

/** Errors that come before the connection exists: with a proxy, they are about the proxy. */
const BEFORE_CONNECTION: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"],
]);

/** Describes why no response arrived. */
export function connectionText({ code, via }: Pick<Unreachable, "code" | "via">): string {
  const isProxy = via === "proxy" && code !== undefined && BEFORE_CONNECTION.has(code);
  const who = isProxy ? "the proxy that the environment sets" : "the endpoint";
  if (code === undefined) return `${who} is unreachable`;
  const text =
    TEXTS[code] ??
    (code.startsWith("HPE_") ? "its response is not HTTP; if it speaks TLS, use an https:// URL" : undefined);
  return `${who} is unreachable${text === undefined ? "" : `: ${text}`} (${code})`;
}
