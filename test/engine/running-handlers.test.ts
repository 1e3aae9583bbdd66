import { describe, expect, it } from "vitest";
import { isInside, runHandler } from "../../src/engine/running-handlers.ts";

/** Returns a reservation that counts the reads of its attempt. */
function reservation() {
  let asked = 0;
  const held = {
    isOpen: true,
    isOf: (): boolean => {
      asked += 1;
      return false;
    },
  };
  return { held, close: () => (held.isOpen = false), asked: () => asked };
}

describe("the handlers around the calling code", () => {
  it("include every unfinished handler", () => {
    const [one, two, three, four] = [reservation(), reservation(), reservation(), reservation()];
    runHandler(one.held, () => {
      runHandler(two.held, () => {
        runHandler(three.held, () => {
          two.close();
          runHandler(four.held, () => isInside({}));
        });
      });
    });
    expect([one, two, three, four].map(({ asked }) => asked())).toEqual([1, 0, 1, 1]);
  });

  it("may be nested in 12,000 others", async () => {
    const outermost = reservation();
    const nest = async (levels: number): Promise<boolean> => {
      await Promise.resolve();
      return levels === 0 ? isInside({}) : runHandler(reservation().held, () => nest(levels - 1));
    };
    await runHandler(outermost.held, () => nest(12_000));
    expect(outermost.asked()).toBe(1);
  });

  it("do not include those that ended and left the next one behind", async () => {
    const first = reservation();
    const leave = async (levels: number, around: ReturnType<typeof reservation>): Promise<void> => {
      await Promise.resolve();
      around.close();
      if (levels === 0) isInside({});
      else {
        const next = reservation();
        await runHandler(next.held, () => leave(levels - 1, next));
      }
    };
    await runHandler(first.held, () => leave(100, first));
    expect(first.asked()).toBe(0);
  });
});
