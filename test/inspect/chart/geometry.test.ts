import { describe, expect, it } from "vitest";
import { clipStart, loopBelow, middleOf, pathOf } from "../../../src/inspect/chart/geometry.ts";

const box = { x: 50, y: 50, width: 40, height: 20 };

describe("a line that begins inside a rectangle", () => {
  it("is clipped where it leaves the rectangle", () => {
    expect(
      clipStart(
        [
          { x: 50, y: 50 },
          { x: 150, y: 50 },
        ],
        box,
      ),
    ).toEqual([
      { x: 70, y: 50 },
      { x: 150, y: 50 },
    ]);
    expect(
      clipStart(
        [
          { x: 50, y: 50 },
          { x: 50, y: 0 },
        ],
        box,
      ),
    ).toEqual([
      { x: 50, y: 40 },
      { x: 50, y: 0 },
    ]);
  });

  it("is clipped where it leaves the rectangle for the last time", () => {
    const inAndOut = [50, 90, 55, 100].map((x) => ({ x, y: 50 }));
    expect(clipStart(inAndOut, box)).toEqual([
      { x: 70, y: 50 },
      { x: 100, y: 50 },
    ]);
  });

  it("contains no point twice if one was on the border", () => {
    const points = [
      { x: 50, y: 50 },
      { x: 70, y: 50 },
      { x: 90, y: 60 },
    ];
    expect(clipStart(points, box)).toEqual([
      { x: 70, y: 50 },
      { x: 90, y: 60 },
    ]);
  });

  it("stays the same if it is entirely outside or entirely inside", () => {
    const outside = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ];
    expect(clipStart(outside, box)).toBe(outside);
    const inside = [
      { x: 45, y: 50 },
      { x: 55, y: 50 },
    ];
    expect(clipStart(inside, box)).toBe(inside);
  });
});

describe("a path", () => {
  it("is straight between two points, and has rounded corners between more", () => {
    expect(pathOf([])).toBe("");
    expect(
      pathOf([
        { x: 0, y: 0 },
        { x: 10, y: 0 },
      ]),
    ).toBe("M0 0L10 0");
    expect(
      pathOf([
        { x: 0, y: 0 },
        { x: 10, y: 0 },
        { x: 10, y: 10 },
      ]),
    ).toBe("M0 0Q10 0 10 10");
    expect(
      pathOf([
        { x: 0, y: 0 },
        { x: 10, y: 0 },
        { x: 10, y: 10 },
        { x: 20, y: 10 },
      ]),
    ).toBe("M0 0Q10 0 10 5Q10 10 20 10");
  });

  it("has its middle at half its length", () => {
    expect(
      middleOf([
        { x: 0, y: 0 },
        { x: 10, y: 0 },
        { x: 10, y: 30 },
      ]),
    ).toEqual({ x: 10, y: 10 });
    expect(middleOf([{ x: 7, y: 8 }])).toEqual({ x: 7, y: 8 });
    expect(middleOf([])).toEqual({ x: 0, y: 0 });
  });

  it("loops below a state and returns to it", () => {
    const points = loopBelow(box, 80);
    expect(points.at(0)?.y).toBe(60);
    expect(points.at(-1)?.y).toBe(60);
    expect(points.map(({ y }) => y)).toContain(80);
  });
});
