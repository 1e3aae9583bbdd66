import { describe, expect, it } from "vitest";
import { isInside, runHandler } from "../../src/engine/running-handlers.ts";

/** A reservation that counts how often it was asked for its attempt. */
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
  it("include all open ones, from the outside in, and none that is done", () => {
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
