/** Counts the references in Node's internal lists of a signal: its listeners, and signals that depend on it. */
export function heldBySignal(signal: AbortSignal): number {
  const lists = Object.getOwnPropertySymbols(signal).map((symbol): unknown => Reflect.get(signal, symbol));
  return lists.reduce<number>((held, list) => held + sizeOf(list), 0);
}

/** Node's internal sets and maps are not instances of `Set` and `Map`. */
function sizeOf(list: unknown): number {
  return typeof list === "object" && list !== null && "size" in list ? Number(list.size) : 0;
}
