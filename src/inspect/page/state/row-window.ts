/** The rendered rows of a long list, and the height of the rows above and below. */
export interface RowWindow {
  readonly from: number;
  readonly to: number;
  readonly aboveHeight: number;
  readonly belowHeight: number;
}

/** Rows rendered beyond each edge, so that no gap appears while scrolling. */
const OVERSCAN = 8;

export function rowWindow(rows: number, rowHeight: number, scrollTop: number, height: number): RowWindow {
  const first = Math.floor(scrollTop / rowHeight);
  const from = Math.max(0, Math.min(first, rows) - OVERSCAN);
  const to = Math.min(rows, first + Math.ceil(height / rowHeight) + OVERSCAN);
  return { from, to, aboveHeight: from * rowHeight, belowHeight: Math.max(0, rows - to) * rowHeight };
}
