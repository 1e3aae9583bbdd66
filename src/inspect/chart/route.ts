import type { Point, Rectangle } from "./geometry.ts";

/** Range of x that states cover. Lines cross it horizontally, and change their height between columns only. */
interface Column {
  readonly left: number;
  readonly right: number;
}

/** Returns the columns of a drawing whose ranks are columns, from left to right. */
export function columnRanges(boxes: readonly Rectangle[]): readonly Column[] {
  const ranges = boxes
    .map(({ x, width }) => ({ left: x - width / 2, right: x + width / 2 }))
    .sort((one, other) => one.left - other.left);
  const columns: { left: number; right: number }[] = [];
  for (const range of ranges) {
    const last = columns.at(-1);
    if (last === undefined || range.left > last.right) columns.push({ ...range });
    else last.right = Math.max(last.right, range.right);
  }
  return columns;
}

/** Distance from a column at which a line bends. Columns are further apart. */
const BEND = 8;
/** Free space at the corners of a state. */
const CORNER = 6;

/**
 * Returns the points of a line from one state to another that crosses no third state. The given points leave a lane free for it in
 * every column, but the straight lines between them cut the corners of that lane.
 */
export function routed(
  points: readonly Point[],
  from: Rectangle,
  to: Rectangle,
  columns: readonly Column[],
): readonly Point[] {
  const inner = points.slice(1, -1);
  const [first = to, last = from] = [inner[0], inner.at(-1)];
  const start = leaving(from, first, columns);
  const end = leaving(to, last, columns).toReversed();
  const lanes = inner.flatMap((point, index) => {
    const column = columns.find(({ left, right }) => point.x >= left && point.x <= right);
    const next = inner[index + 1] ?? to;
    return column === undefined ? [point] : across(point.y, column, next.x > point.x);
  });
  return [...start, ...lanes, ...end];
}

/** Returns the way out of a state and its column, on the side of the next point. */
function leaving(box: Rectangle, next: Point, columns: readonly Column[]): readonly Point[] {
  const isRight = next.x > box.x;
  const side = isRight ? box.x + box.width / 2 : box.x - box.width / 2;
  const room = Math.max(0, box.height / 2 - CORNER);
  const y = Math.min(box.y + room, Math.max(box.y - room, next.y));
  const column = columns.find(({ left, right }) => box.x >= left && box.x <= right);
  const [border = side, bend = side] = column === undefined ? [] : ends(column, isRight);
  return [
    { x: side, y },
    { x: border, y },
    { x: bend, y },
  ];
}

/** Returns the border of a column, and the point beyond it at which a line may bend. */
function ends({ left, right }: Column, isRight: boolean): readonly [number, number] {
  return isRight ? [right, right + BEND] : [left, left - BEND];
}

function across(y: number, { left, right }: Column, isToRight: boolean): readonly Point[] {
  const xs = [left - BEND, left, right, right + BEND];
  return (isToRight ? xs : xs.toReversed()).map((x) => ({ x, y }));
}
