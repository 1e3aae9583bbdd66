import { describe, expect, it } from "vitest";
import { leaving, loopBelow, middleOf, pathOf } from "../../../src/inspect/chart/geometry.ts";

const box = { x: 50, y: 50, width: 40, height: 20 };

describe("a way that begins inside a rectangle", () => {
  it("is cut off where it leaves it", () => {
    expect(
      leaving(
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
      leaving(
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

  it("is cut off where it leaves it for good", () => {
    const inAndOut = [50, 90, 55, 100].map((x) => ({ x, y: 50 }));
    expect(leaving(inAndOut, box)).toEqual([
      { x: 70, y: 50 },
      { x: 100, y: 50 },
    ]);
  });

  it("has no point twice where one stood on the border", () => {
    const points = [
      { x: 50, y: 50 },
      { x: 70, y: 50 },
      { x: 90, y: 60 },
    ];
    expect(leaving(points, box)).toEqual([
      { x: 70, y: 50 },
      { x: 90, y: 60 },
    ]);
  });

  it("is left as it is when it is all outside, or never leaves", () => {
    const outside = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ];
    expect(leaving(outside, box)).toBe(outside);
    const inside = [
      { x: 45, y: 50 },
      { x: 55, y: 50 },
    ];
    expect(leaving(inside, box)).toBe(inside);
  });
});

describe("a path", () => {
  it("is a line between two points, and rounds its corners between more", () => {
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

  it("has its middle half the way along", () => {
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

  it("to where it began goes out below and comes back", () => {
    const points = loopBelow(box, 80);
    expect(points.at(0)?.y).toBe(60);
    expect(points.at(-1)?.y).toBe(60);
    expect(points.map(({ y }) => y)).toContain(80);
  });
});
