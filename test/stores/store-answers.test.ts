import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { simulatedStore } from "../../src/testing/sim/simulated-store.ts";
import { type Flaw, flawedStore, flaws } from "../support/flawed-store.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { answersOf, OvertakenError, type TimedStore } from "../support/store-answers.ts";
import { answersOfMemory } from "../support/store-comparison.ts";
import { anySequence, type Sequence } from "../support/store-sequence.ts";

function simulated(): TimedStore {
  return { ...simulatedStore(), grainMs: 1, lateMs: 0 };
}

function flawed(flaw: Flaw): TimedStore {
  const clock = new SimulatedClock();
  return {
    store: flawedStore(clock, flaw),
    monotonicMs: () => clock.monotonicMs(),
    pass: (ms) => clock.advanceAsync(ms),
    grainMs: 1,
    lateMs: 0,
  };
}

/** Flaws that no sequence reveals. The store contract tests reveal them. */
const notRevealed: readonly Flaw[] = [
  "the check and the write are two steps",
  "records are shared with the writer",
  "records are shared with the reader",
  "keys that differ only by case collide",
  "ids lose non-ASCII characters",
  "the longest time is not kept",
  "a list ends after a page",
  "a watch ignores its filter",
  "a watch begins with existing entries",
  "a watch does not report removals",
  "a watch reports conflicts",
  "a watch does not end",
];

describe("a store that receives any sequence of calls", () => {
  it("answers like the memory store when it is the simulated store", async () => {
    await fc.assert(
      fc.asyncProperty(anySequence, async (sequence) => {
        expect(await answersOf(simulated(), sequence)).toEqual(await answersOfMemory(sequence));
      }),
      { numRuns: 500 },
    );
  });

  it.each(flaws.filter((flaw) => !notRevealed.includes(flaw)))("answers differently when %s", async (flaw) => {
    const { failed } = await fc.check(
      fc.asyncProperty(anySequence, async (sequence) => {
        const answers = await answersOf(flawed(flaw), sequence);
        expect(answers).toEqual(await answersOfMemory(sequence));
      }),
      { numRuns: 5_000, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });

  it("is asked again if its time ended a key early, even though the next write replaced the key", async () => {
    const made = simulated();
    const slow = { ...made, pass: (ms: number) => made.pass(ms + 1_500) };
    const write = { method: "put", key: 0, over: "nothing", state: "committed", ttlMs: 2_000 } as const;
    const sequence = [{ together: [write] }, { passMs: 1_000 }, { together: [write] }];
    await expect(answersOf(slow, sequence)).rejects.toThrow(OvertakenError);
  });

  it("ends at a key that does not expire, since other keys expire during the wait for it", async () => {
    const made = { ...simulated(), lateMs: 1_000 };
    const { store } = made;
    const put: typeof store.put = async (...write) => {
      const answer = await store.put(...write);
      return answer.ok ? answer : { ok: true, revision: 1_000 };
    };
    const write = { method: "put", over: "nothing", state: "committed" } as const;
    const sequence: Sequence = [
      { together: [{ ...write, key: 0, ttlMs: 60_000 }] },
      { together: [{ ...write, key: 0, ttlMs: 1_200 }] },
      { passMs: 1_000 },
      { together: [{ ...write, key: 1, ttlMs: 1_999 }] },
      { passMs: 1_000 },
      { list: "all" },
    ];
    const answers = await answersOf({ ...made, store: { ...store, put } }, sequence);
    expect(answers.at(-1)).toEqual({ late: ["key 0 did not end", undefined, undefined] });
  });
});
