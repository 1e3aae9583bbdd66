import canonicalize from "canonicalize";
import { sha256 } from "../../internal/sha256.ts";

/**
 * Returns a fingerprint of a payload: equal for JSON texts with the same value (RFC 8785), and for equal bytes otherwise. Numbers
 * beyond the precision of a double are compared after rounding.
 *
 * Only entries that need it import this file, because the core depends on nothing but XState.
 */
export function payloadFingerprint(payload: string | Uint8Array): string {
  return `sha256:${sha256(canonicalJson(payload) ?? payload, "base64url")}`;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Returns `undefined` if the payload is not JSON in UTF-8, or is nested too deeply. */
function canonicalJson(payload: string | Uint8Array): string | undefined {
  try {
    return canonicalize(JSON.parse(typeof payload === "string" ? payload : utf8.decode(payload)));
  } catch {
    return undefined;
  }
}
