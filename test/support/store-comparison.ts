import { isDeepStrictEqual } from "node:util";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { answersOf, type ComparableAnswer, OvertakenError, type TimedStore } from "./store-answers.ts";
import type { Sequence } from "./store-sequence.ts";

/** Returns the answers of the memory store on simulated time, the reference for every other store. */
export function answersOfMemory(sequence: Sequence, workspaceId?: string): Promise<readonly ComparableAnswer[]> {
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

/** Answers of a store and of the memory store. */
export interface Compared {
  readonly answers: readonly ComparableAnswer[];
  readonly ofMemory: readonly ComparableAnswer[];
  readonly isEqual: boolean;
  /** Number of attempts. More than one if real time overtook the sequence. */
  readonly tries: number;
}

const MAX_TRIES = 10;
let workspaces = 0;

/** Runs a sequence on a real-time store and on the memory store. If real time overtakes it, retries in another workspace. */
export async function compareWithMemory(made: TimedStore, sequence: Sequence): Promise<Compared> {
  for (let tries = 1; ; tries += 1) {
    const workspaceId = `ws-${++workspaces}`;
    try {
      const answers = await answersOf(made, sequence, workspaceId);
      const ofMemory = await answersOfMemory(sequence, workspaceId);
      return { answers, ofMemory, isEqual: isDeepStrictEqual(answers, ofMemory), tries };
    } catch (error) {
      if (!(error instanceof OvertakenError) || tries === MAX_TRIES) throw error;
    }
  }
}
