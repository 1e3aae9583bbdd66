/** The part of `node:os` that Latchkey uses, for browsers. */
export function hostname(): string {
  return "browser";
}
