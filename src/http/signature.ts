import { timingSafeEqual, type webcrypto } from "node:crypto";
import { wholeNumber } from "../internal/validate.ts";
import type { Source, Verification } from "./source.ts";

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
function signedBytes(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const chunks = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : part));
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

const HMAC_BYTES = 32;
/** A rotation needs two signatures. The limit bounds the work for a header full of them. */
const MAX_SIGNATURES = 10;

/** Verifies HMAC-SHA-256 signatures. Keys are imported once. */
export class HmacVerifier {
  readonly #keys: Promise<readonly webcrypto.CryptoKey[]>;

  constructor(keys: readonly (string | Uint8Array<ArrayBuffer>)[]) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    this.#keys = Promise.all(
      keys.map((key) =>
        crypto.subtle.importKey("raw", typeof key === "string" ? encoder.encode(key) : key, algorithm, false, ["sign"]),
      ),
    );
    this.#keys.catch(() => {});
  }

  /** Returns true if one of the first 10 `signatures` was made over `data` with one of the keys. Signs once per key at most. */
  async accepts(data: Uint8Array<ArrayBuffer>, signatures: readonly (Uint8Array | undefined)[]): Promise<boolean> {
    const candidates = signatures
      .filter((signature) => signature !== undefined)
      .filter(({ byteLength }) => byteLength === HMAC_BYTES)
      .slice(0, MAX_SIGNATURES);
    if (candidates.length === 0) return false;
    for (const key of await this.#keys) {
      const right = new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
      if (candidates.some((signature) => timingSafeEqual(signature, right))) return true;
    }
    return false;
  }
}

/** Verifies a header of the form `sha256=<hex>` over the body. */
export function bodySignature(header: string, secret: Secrets): NonNullable<Source["verify"]> {
  const hmac = new HmacVerifier(secretList(secret));
  return async ({ headers, body }) => {
    const hex = /^sha256=([0-9a-f]{64})$/i.exec(headers.get(header) ?? "")?.[1] ?? "";
    return verifiedIf(await hmac.accepts(body, [fromHex(hex)]));
  };
}

/** A timestamp and the signatures that cover it, as a request carries them. */
export interface TimedSignature {
  /** Seconds since 1970. */
  readonly timestamp: string | null | undefined;
  readonly signatures: readonly (Uint8Array | undefined)[];
  /** Signed text before the body. It contains the timestamp. */
  readonly prefix: string;
}

/** Verifies signatures over a prefix and the body, whose timestamp is close to the receiver's clock. */
export function timedSignature(
  keys: readonly (string | Uint8Array<ArrayBuffer>)[],
  toleranceMs: number,
  read: (headers: Headers) => TimedSignature,
): NonNullable<Source["verify"]> {
  const hmac = new HmacVerifier(keys);
  wholeNumber("toleranceMs", toleranceMs, 0);
  return async ({ headers, body, receivedAtMs }) => {
    const { timestamp, signatures, prefix } = read(headers);
    const problem = timestampProblem(timestamp, receivedAtMs, toleranceMs);
    if (problem !== undefined) return rejected(problem);
    return verifiedIf(await hmac.accepts(signedBytes(prefix, body), signatures));
  };
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
function timestampProblem(
  timestamp: string | null | undefined,
  nowMs: number,
  toleranceMs: number,
): string | undefined {
  if (!timestamp || !/^\d{1,15}$/.test(timestamp)) return "The timestamp of the signature is missing or malformed";
  const isFresh = Math.abs(nowMs - Number(timestamp) * 1_000) <= toleranceMs;
  return isFresh ? undefined : "The timestamp of the signature is too far from the receiver's clock";
}

function verified(): Verification {
  return { verified: true };
}

export function rejected(reason: string): Verification {
  return { verified: false, reason };
}

/** Returns `verified` or the usual rejection. */
export function verifiedIf(isRight: boolean): Verification {
  return isRight ? verified() : rejected("The signature does not match the body and the secret");
}
