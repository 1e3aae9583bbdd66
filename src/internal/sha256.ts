import { sha256 as portableSha256 } from "@noble/hashes/sha2.js";
import { builtin } from "./builtin.ts";
import { toBase64url, toHex } from "./bytes-text.ts";

/** Text form of a hash. */
export type HashEncoding = "hex" | "base64url";

const native = builtin?.("node:crypto");
const encoder = new TextEncoder();

/** Hashes without the runtime's help. Web Crypto has no synchronous hash. */
export function sha256InJavaScript(data: string | Uint8Array, encoding: HashEncoding): string {
  const hash = portableSha256(typeof data === "string" ? encoder.encode(data) : data);
  return encoding === "hex" ? toHex(hash) : toBase64url(hash);
}

/** Returns the SHA-256 of bytes, or of a text in UTF-8. Browsers compute it in JavaScript. */
export const sha256: typeof sha256InJavaScript =
  typeof native?.hash === "function" ? (data, encoding) => native.hash("sha256", data, encoding) : sha256InJavaScript;
