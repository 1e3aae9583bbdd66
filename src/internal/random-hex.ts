import { toHex } from "./bytes-text.ts";

/** Returns random bytes of the runtime's secure generator, as hexadecimal digits. */
export function randomHex(bytes: number): string {
  return toHex(crypto.getRandomValues(new Uint8Array(bytes)));
}
