import type { History, SeenLine } from "../../history/history.ts";

/** A line in its place in the order of the whole history. */
export interface Placed {
  readonly line: SeenLine;
  /** Its place in the order, counting from 0. */
  readonly place: number;
  /** The number of the line in the history as it was given, counting from 1. */
  readonly number: number;
}

/**
 * The lines in one order: as they stand if one recorder saw them all, by time if there were several. Lines of one recorder stay
 * in its order.
 * @throws {TypeError} when times of different clocks would have to be compared.
 */
export function inOrder(history: History): readonly Placed[] {
  const lines: Omit<Placed, "place">[] = [];
  const clocks = new Set<string>();
  let recorders = 0;
  history.forEach((line, index) => {
    if (line.type === "history") {
      recorders += 1;
      clocks.add(line.clock);
    } else lines.push({ line, number: index + 1 });
  });
  if (clocks.size > 1) {
    const names = [...clocks].map((clock) => `\`${clock}\``).join(" and ");
    throw new TypeError(`Expected all recorders to use one clock, got ${names}: their times cannot be compared`);
  }
  if (recorders > 1) lines.sort((a, b) => a.line.atMs - b.line.atMs);
  return lines.map((line, place) => ({ ...line, place }));
}
