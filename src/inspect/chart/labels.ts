import { overlaps, type Point, pointsFromMiddle, type Rectangle } from "./geometry.ts";

/** A label that belongs to a line. */
export interface PlacedLabel {
  /** Preferred centre, or the one that the label got. */
  readonly label: Point;
  readonly points: readonly Point[];
  readonly width: number;
  readonly height: number;
}

/** Number of positions tried along a line. */
const POSITIONS = 25;
/** Number of positions tried above and below each of them. */
const SHIFTS = 40;
const SHIFT = 8;
/** Free space around a label. */
const GAP = 2;

/**
 * Returns every label at a centre where it overlaps no other label and no obstacle. Labels stay on their lines if there is room, and
 * move above or below them otherwise.
 * @param obstacles collapsed states and the names of expanded ones.
 */
export function placeLabels<Label extends PlacedLabel>(
  labels: readonly Label[],
  obstacles: readonly Rectangle[],
): readonly Label[] {
  const taken: Rectangle[] = [...obstacles];
  return labels.map((label) => {
    const centre = candidates(label).find((point) => isFree(rectangleOf(label, point), taken)) ?? label.label;
    taken.push(rectangleOf(label, centre));
    return { ...label, label: centre };
  });
}

function rectangleOf({ width, height }: PlacedLabel, { x, y }: Point): Rectangle {
  return { x, y, width: width + 2 * GAP, height: height + 2 * GAP };
}

function isFree(rectangle: Rectangle, taken: readonly Rectangle[]): boolean {
  const { x, y, width, height } = rectangle;
  return x - width / 2 >= 0 && y - height / 2 >= 0 && !taken.some((other) => overlaps(rectangle, other));
}

function candidates({ label, points }: PlacedLabel): readonly Point[] {
  const onLine = [label, ...pointsFromMiddle(points, POSITIONS)];
  const shifts = Array.from(
    { length: SHIFTS },
    (_, index) => SHIFT * Math.ceil((index + 1) / 2) * (index % 2 === 0 ? 1 : -1),
  );
  return [...onLine, ...shifts.flatMap((shift) => onLine.map(({ x, y }) => ({ x, y: y + shift })))];
}
