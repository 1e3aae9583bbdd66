import { builtin } from "./builtin.ts";

/** One buffer for all conversions, which saves an allocation for each identity. */
const scratch = builtin?.("node:buffer").Buffer.alloc(32);

/** Returns bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Returns bytes in base64url without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Converts the hexadecimal digits of a SHA-256 to base64url. */
export const hexToBase64url: (hex: string) => string =
  scratch === undefined
    ? (hex) => toBase64url(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
    : (hex) => scratch.toString("base64url", 0, scratch.write(hex, "hex"));
