import { builtin } from "./builtin.ts";

const native = builtin?.("node:buffer").Buffer;

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

/** Converts hexadecimal digits to base64url. */
export const hexToBase64url: (hex: string) => string =
  native === undefined
    ? (hex) => toBase64url(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
    : (hex) => native.from(hex, "hex").toString("base64url");
