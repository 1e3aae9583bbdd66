/** The parts of Node's `Buffer` that Latchkey uses, for browsers. */
const shim = {
  byteLength: (text: string): number => new TextEncoder().encode(text).length,
  from: (hex: string): { toString(): string } => ({
    toString: () => {
      const bytes = (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
      return btoa(String.fromCharCode(...bytes))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "");
    },
  }),
};

/** Makes `Buffer` known to the library. */
export function installBuffer(): void {
  Reflect.set(globalThis, "Buffer", shim);
}
