/** How much a signal holds on to, by Node's own books: listeners, and signals that depend on it. */
export function heldBySignal(signal: AbortSignal): number {
  const books = Object.getOwnPropertySymbols(signal).map((symbol): unknown => Reflect.get(signal, symbol));
  return books.reduce<number>((held, book) => held + sizeOf(book), 0);
}

/** Node's sets and maps are not those of the language. */
function sizeOf(book: unknown): number {
  return typeof book === "object" && book !== null && "size" in book ? Number(book.size) : 0;
}
