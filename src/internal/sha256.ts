import { builtin } from "./builtin.ts";
import { portableSha256 } from "./portable-sha256.ts";

/** Text form of a hash. */
export type HashEncoding = "hex" | "base64url";

const native = builtin?.("node:crypto");

/** Returns the SHA-256 of bytes, or of a text in UTF-8. Web Crypto has no synchronous hash, so browsers compute it in JavaScript. */
export const sha256: (data: string | Uint8Array, encoding: HashEncoding) => string =
  typeof native?.hash === "function" ? (data, encoding) => native.hash("sha256", data, encoding) : portableSha256;
