import { isDeepStrictEqual } from "node:util";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { type Answer, answersOf, OvertakenError, type TimedStore } from "./store-answers.ts";
import type { Sequence } from "./store-sequence.ts";

/** What the memory store answers, on simulated time: the reference for every other store. */
export function answersOfMemory(sequence: Sequence, workspaceId?: string): Promise<readonly Answer[]> {
  const clock = new SimulatedClock();
  const made = {
    store: memoryStore({ clock }),
    monotonicMs: () => clock.monotonicMs(),
    pass: (ms: number) => clock.advanceAsync(ms),
    grainMs: 1,
    lateMs: 0,
  };
  return answersOf(made, sequence, workspaceId);
}

/** What two stores answered. */
export interface Compared {
  readonly answers: readonly Answer[];
  readonly ofMemory: readonly Answer[];
  readonly isEqual: boolean;
  /** How often the sequence was asked; more than once where real time overtook it. */
  readonly tries: number;
}

const MOST_TRIES = 10;
let workspaces = 0;

/** Asks a store on real time and the memory store the same. What real time overtakes is asked again, in another workspace. */
export async function compareWithMemory(made: TimedStore, sequence: Sequence): Promise<Compared> {
  for (let tries = 1; ; tries += 1) {
    const workspaceId = `ws-${++workspaces}`;
    try {
      const answers = await answersOf(made, sequence, workspaceId);
      const ofMemory = await answersOfMemory(sequence, workspaceId);
      return { answers, ofMemory, isEqual: isDeepStrictEqual(answers, ofMemory), tries };
    } catch (error) {
      if (!(error instanceof OvertakenError) || tries === MOST_TRIES) throw error;
    }
  }
}
