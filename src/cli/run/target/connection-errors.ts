const NOT_TRUSTED =
  "its certificate is not trusted; set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority";

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
  HPE_HEADER_OVERFLOW: "its response headers are too long",
};

/** Describes why no response arrived. */
export function connectionText(code: string | undefined): string {
  if (code === undefined) return "the endpoint is unreachable";
  const text = TEXTS[code] ?? (code.startsWith("HPE_") ? "its response is not HTTP" : undefined);
  return text === undefined
    ? `the endpoint is unreachable (${code})`
    : `the endpoint is unreachable: ${text} (${code})`;
}
