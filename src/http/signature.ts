import type { webcrypto } from "node:crypto";
import type { Verification } from "./source.ts";

/** One secret, or several while they are rotated. A signature by any of them is accepted. */
export type Secrets = string | readonly string[];

/** Largest difference between a signed timestamp and the receiver's clock, in milliseconds: 5 minutes, as Stripe and Slack advise. */
export const DEFAULT_TOLERANCE_MS = 5 * 60 * 1_000;

const encoder = new TextEncoder();

/** Returns the secrets as a list. @throws {TypeError} if there is none, or an empty one. */
export function secretList(secrets: Secrets): readonly string[] {
  const list = typeof secrets === "string" ? [secrets] : [...secrets];
  if (list.length === 0 || list.some((secret) => typeof secret !== "string" || secret === "")) {
    throw new TypeError("Expected `secret` to be a non-empty string, or a list of them");
  }
  return list;
}

/** Bytes to sign, in parts. */
export function signedBytes(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const chunks = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : part));
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Verifies HMAC-SHA-256 signatures with WebCrypto, whose comparison takes constant time. Keys are imported once. */
export class HmacVerifier {
  readonly #keys: Promise<readonly webcrypto.CryptoKey[]>;

  constructor(keys: readonly (string | Uint8Array<ArrayBuffer>)[]) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    this.#keys = Promise.all(
      keys.map((key) =>
        crypto.subtle.importKey("raw", typeof key === "string" ? encoder.encode(key) : key, algorithm, false, [
          "verify",
        ]),
      ),
    );
    this.#keys.catch(() => {});
  }

  /** Returns true if one of `signatures` was made over `data` with one of the keys. */
  async accepts(
    data: Uint8Array<ArrayBuffer>,
    signatures: readonly (Uint8Array<ArrayBuffer> | undefined)[],
  ): Promise<boolean> {
    for (const key of await this.#keys) {
      for (const signature of signatures) {
        if (signature !== undefined && (await crypto.subtle.verify("HMAC", key, signature, data))) return true;
      }
    }
    return false;
  }
}

/** Compares secrets in constant time by comparing their HMACs under a random key. */
export async function isSameSecret(given: string, secrets: readonly string[]): Promise<boolean> {
  const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  let isSame = false;
  for (const secret of secrets) {
    const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(secret));
    if (await crypto.subtle.verify("HMAC", key, signature, encoder.encode(given))) isSame = true;
  }
  return isSame;
}

/** Decodes hexadecimal digits; `undefined` for anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );
}

/** Decodes base64; `undefined` for anything else. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Returns the reason if a signed timestamp, in seconds since 1970, is malformed or too far from `nowMs`. */
export function timestampProblem(
  timestamp: string | null | undefined,
  nowMs: number,
  toleranceMs: number,
): string | undefined {
  if (!timestamp || !/^\d{1,15}$/.test(timestamp)) return "The timestamp of the signature is missing or malformed";
  const isFresh = Math.abs(nowMs - Number(timestamp) * 1_000) <= toleranceMs;
  return isFresh ? undefined : "The timestamp of the signature is too far from the receiver's clock";
}

export function verified(): Verification {
  return { verified: true };
}

export function rejected(reason: string): Verification {
  return { verified: false, reason };
}

/** Returns `verified` or the usual rejection. */
export function verifiedIf(isRight: boolean): Verification {
  return isRight ? verified() : rejected("The signature does not match the body and the secret");
}
