import type { History, SeenLine } from "../../history/history.ts";

/** A line with its position in the whole history. */
export interface OrderedLine {
  readonly line: SeenLine;
  /** Position in the order, counting from 0. */
  readonly position: number;
  /** Number of the line in the history as given, counting from 1. */
  readonly number: number;
}

/**
 * Returns the lines in one order: as given if one recorder wrote them all, by time if there were several. The lines of one
 * recorder keep their order.
 * @throws {TypeError} when the recorders used different clocks, so that their times cannot be compared.
 */
export function historyOrder(history: History): readonly OrderedLine[] {
  const lines: Omit<OrderedLine, "position">[] = [];
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
  return lines.map((line, position) => ({ ...line, position }));
}
