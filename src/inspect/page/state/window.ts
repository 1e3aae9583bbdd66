/** The rows of a long list that are drawn, and how much room the others take. */
export interface RowWindow {
  readonly from: number;
  readonly to: number;
  readonly aboveHeight: number;
  readonly belowHeight: number;
}

/** So many rows are drawn beyond each border, so that none is missing while the list is moved. */
const SPARE = 8;

export function rowWindow(rows: number, rowHeight: number, scrollTop: number, height: number): RowWindow {
  const first = Math.floor(scrollTop / rowHeight);
  const from = Math.max(0, Math.min(first, rows) - SPARE);
  const to = Math.min(rows, first + Math.ceil(height / rowHeight) + SPARE);
  return { from, to, aboveHeight: from * rowHeight, belowHeight: Math.max(0, rows - to) * rowHeight };
}
