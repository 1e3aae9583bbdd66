/** The parts of `node:crypto` that Latchkey uses, for browsers: a synchronous SHA-256 and random bytes. */

const ROUNDS = 64;

/** First bits of the fractional parts of the cube roots of the first primes. */
const constants: readonly number[] = primes(ROUNDS).map((prime) => fraction(Math.cbrt(prime)));
const initial: readonly number[] = primes(8).map((prime) => fraction(Math.sqrt(prime)));

/** Returns the hash of a text. */
export function hash(_algorithm: "sha256", text: string | Uint8Array, encoding: "hex" | "base64url"): string {
  const bytes = sha256(typeof text === "string" ? new TextEncoder().encode(text) : text);
  if (encoding === "hex") return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Returns random bytes that can be written as text. */
export function randomBytes(count: number): { toString(encoding: string): string } {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return { toString: () => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
}

function sha256(message: Uint8Array): Uint8Array {
  const state = [...initial];
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor((message.length * 8) / 2 ** 32));
  view.setUint32(padded.length - 4, (message.length * 8) >>> 0);
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset);
  const result = new DataView(new ArrayBuffer(32));
  for (const [index, word] of state.entries()) result.setUint32(index * 4, word);
  return new Uint8Array(result.buffer);
}

function compress(state: number[], view: DataView, offset: number): void {
  const words: number[] = [];
  const word = (index: number): number => words[index] ?? 0;
  for (let index = 0; index < ROUNDS; index += 1) {
    if (index < 16) words.push(view.getUint32(offset + index * 4));
    else {
      const [early, late] = [word(index - 15), word(index - 2)];
      const first = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
      const second = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
      words.push((word(index - 16) + first + word(index - 7) + second) >>> 0);
    }
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let index = 0; index < ROUNDS; index += 1) {
    const one = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = (h + one + ((e & f) ^ (~e & g)) + (constants[index] ?? 0) + word(index)) >>> 0;
    const zero = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const second = (zero + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = ((state[index] ?? 0) + value) >>> 0;
}

function rotated(value: number, bits: number): number {
  return (value >>> bits) | (value << (32 - bits));
}

function fraction(value: number): number {
  return ((value - Math.floor(value)) * 2 ** 32) >>> 0;
}

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let next = 2; found.length < count; next += 1) if (found.every((prime) => next % prime !== 0)) found.push(next);
  return found;
}
