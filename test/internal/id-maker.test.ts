import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idMaker } from "../../src/internal/id-maker.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** A source of randomness that a copy of the process shares, until the copies differ in time. */
function sharedRandomness(): () => string {
  let drawn = 0;
  return () => `r${++drawn}`;
}

/** The makers of two copies of a process that had made ids. The copies go on at slightly different times. */
function copies(made: number, passedMs: number): readonly [() => string, () => string] {
  const copy = (number: number): (() => string) => {
    const clock = new SimulatedClock();
    const make = idMaker(clock, sharedRandomness());
    for (let id = 0; id < made; id += 1) make();
    clock.advance(passedMs + number);
    return make;
  };
  return [copy(1), copy(2)];
}

describe("ids", () => {
  it("are unique, however many are made and however much time passes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 50 }), (pauses) => {
        const clock = new SimulatedClock();
        const make = idMaker(clock);
        const ids = pauses.flatMap((pauseMs) => {
          clock.advance(pauseMs);
          return Array.from({ length: 100 }, make);
        });
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it("need no randomness before the first one is made", () => {
    let drawn = 0;
    const make = idMaker(new SimulatedClock(), () => `${++drawn}`);
    expect(drawn).toBe(0);
    make();
    make();
    expect(drawn).toBe(1);
  });

  it("differ between two copies of a process that was copied before the first one, although they share the randomness", () => {
    const [a, b] = copies(0, 5_000);
    expect(a()).not.toBe(b());
  });

  it("differ between two copies of a process a second after it was copied, at any time", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_500 }), fc.integer({ min: 1_000, max: 5_000 }), (made, passedMs) => {
        const [a, b] = copies(made, passedMs);
        expect(a()).not.toBe(b());
      }),
    );
  });

  it("get a new random part after a thousand", () => {
    const make = idMaker(new SimulatedClock());
    const parts = Array.from({ length: 2_001 }, () => make().split(".")[0]);
    expect(new Set(parts).size).toBe(3);
  });
});
