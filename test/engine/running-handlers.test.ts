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
});
