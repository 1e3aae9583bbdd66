import { toBase64url, toHex } from "./bytes-text.ts";

const BLOCK_BYTES = 64;
const ROUNDS = 64;
/** A block ends with the length of the message; at least one byte of padding precedes it. */
const MIN_PADDING_BYTES = 1 + 8;

/** SHA-256 (FIPS 180-4) without the runtime's help. */
export function portableSha256(data: string | Uint8Array, encoding: "hex" | "base64url"): string {
  const hash = hashOf(typeof data === "string" ? new TextEncoder().encode(data) : data);
  return encoding === "hex" ? toHex(hash) : toBase64url(hash);
}

function hashOf(message: Uint8Array): Uint8Array {
  const blocks = Math.ceil((message.length + MIN_PADDING_BYTES) / BLOCK_BYTES);
  const padded = new DataView(new ArrayBuffer(blocks * BLOCK_BYTES));
  new Uint8Array(padded.buffer).set(message);
  padded.setUint8(message.length, 0x80);
  padded.setBigUint64(padded.byteLength - 8, BigInt(message.length) * 8n);
  const state = Uint32Array.from(INITIAL);
  const words = new Uint32Array(ROUNDS);
  for (let offset = 0; offset < padded.byteLength; offset += BLOCK_BYTES) {
    for (let index = 0; index < 16; index += 1) words[index] = padded.getUint32(offset + index * 4);
    expand(words);
    compress(state, words);
  }
  const hash = new DataView(new ArrayBuffer(32));
  for (const [index, word] of state.entries()) hash.setUint32(index * 4, word);
  return new Uint8Array(hash.buffer);
}

/** Fills the words after the sixteenth. */
function expand(words: Uint32Array): void {
  const word = (index: number): number => words[index] ?? 0;
  for (let index = 16; index < ROUNDS; index += 1) {
    const [early, late] = [word(index - 15), word(index - 2)];
    const first = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const second = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    words[index] = word(index - 16) + first + word(index - 7) + second;
  }
}

function compress(state: Uint32Array, words: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (const [round, word] of words.entries()) {
    const high = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = h + high + ((e & f) ^ (~e & g)) + (CONSTANTS[round] ?? 0) + word;
    const low = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const second = low + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + value;
}

function rotated(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits));
}

const PRIMES = firstPrimes(ROUNDS);
/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const CONSTANTS = Uint32Array.from(PRIMES, (prime) => fractionOf(Math.cbrt(prime)));
/** The same of the square roots of the first eight. */
const INITIAL = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fractionOf(Math.sqrt(prime)));

function fractionOf(value: number): number {
  return (value % 1) * 2 ** 32;
}

function firstPrimes(count: number): readonly number[] {
  const found: number[] = [];
  for (let next = 2; found.length < count; next += 1) if (found.every((prime) => next % prime !== 0)) found.push(next);
  return found;
}
