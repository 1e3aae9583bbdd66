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
  it("include every unfinished handler, from the outside in", () => {
    const [one, two, three] = [reservation(), reservation(), reservation()];
    runHandler(one.held, () => {
      runHandler(two.held, () => {
        two.close();
        runHandler(three.held, () => isInside({}));
      });
    });
    expect([one.asked(), two.asked(), three.asked()]).toEqual([1, 0, 1]);
  });
});
