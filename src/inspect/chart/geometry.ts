/** A point, in pixels from the upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle, by its centre and size. */
export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

/** Returns true if the point is inside. A point within 1 px of the border is outside. */
export function contains({ x, y, width, height }: Rectangle, point: Point): boolean {
  return Math.abs(point.x - x) < width / 2 - 1 && Math.abs(point.y - y) < height / 2 - 1;
}

/** Returns the part of a polyline after it leaves a rectangle for the last time. */
export function clipStart(points: readonly Point[], rectangle: Rectangle): readonly Point[] {
  const last = points.findLastIndex((point) => contains(rectangle, point));
  const [inner, outer] = [points[last], points[last + 1]];
  if (inner === undefined || outer === undefined) return points;
  const start = crossing(inner, outer, rectangle);
  const isThere = Math.hypot(outer.x - start.x, outer.y - start.y) < 1;
  return [start, ...points.slice(last + (isThere ? 2 : 1))];
}

/** Returns the point at which a segment from inside a rectangle crosses its border. */
function crossing(inner: Point, outer: Point, { x, y, width, height }: Rectangle): Point {
  const [dx, dy] = [outer.x - inner.x, outer.y - inner.y];
  const toSide = dx === 0 ? Number.POSITIVE_INFINITY : (x + (Math.sign(dx) * width) / 2 - inner.x) / dx;
  const toEdge = dy === 0 ? Number.POSITIVE_INFINITY : (y + (Math.sign(dy) * height) / 2 - inner.y) / dy;
  const part = Math.min(toSide, toEdge);
  return along(inner, outer, part);
}

/** Returns a loop from the lower border of a rectangle down to `toY` and back. */
export function loopBelow({ x, y, height }: Rectangle, toY: number): readonly Point[] {
  const border = y + height / 2;
  return [
    { x: x - LOOP, y: border },
    { x: x - 2 * LOOP, y: toY },
    { x: x + 2 * LOOP, y: toY },
    { x: x + LOOP, y: border },
  ];
}

/** Half of the distance between its ends. */
const LOOP = 7;

/** Returns the point at half the length. */
export function middleOf(points: readonly Point[]): Point {
  const lengths = points.map((point, index) => {
    const before = points[index - 1] ?? point;
    return Math.hypot(point.x - before.x, point.y - before.y);
  });
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [index, length] of lengths.entries()) {
    const [from, to] = [points[index - 1], points[index]];
    if (from !== undefined && to !== undefined && length >= left && length > 0) return along(from, to, left / length);
    left -= length;
  }
  return points[0] ?? { x: 0, y: 0 };
}

function along(from: Point, to: Point, part: number): Point {
  return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
}

/** Returns the polyline as an SVG path with rounded corners. */
export function pathOf(points: readonly Point[]): string {
  const [start, ...rest] = points;
  const end = rest.at(-1);
  if (start === undefined || end === undefined) return "";
  const curves = rest.slice(0, -1).map((corner, index) => {
    const next = rest[index + 1] ?? end;
    const to = index === rest.length - 2 ? next : along(corner, next, 0.5);
    return `Q${round(corner.x)} ${round(corner.y)} ${round(to.x)} ${round(to.y)}`;
  });
  const line = curves.length === 0 ? [`L${round(end.x)} ${round(end.y)}`] : curves;
  return [`M${round(start.x)} ${round(start.y)}`, ...line].join("");
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
