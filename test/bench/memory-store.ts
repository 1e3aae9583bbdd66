import type { Contestant, Guarantees } from "./contestant.ts";
import { type Described, inOwnProcess } from "./contestant-process.ts";

/** A shorter round ends before V8's young generation, which begins small, has grown. */
const EVENTS = 30_000;
const DUPLICATES = 200_000;
const WORKER = new URL("memory-worker.ts", import.meta.url);

const guarantees: Guarantees = { storage: "this process", fence: "yes", lease: "renewed, with a signal" };

/** What the process of a contestant runs. */
export interface MemorySetup extends Described {
  readonly runs: "guards" | "inspected guards" | "duplicates";
}

/** Guards on a memory store. */
export interface MemoryContestants extends AsyncDisposable {
  readonly guards: Contestant;
  readonly inspected: Contestant;
  readonly duplicates: Contestant;
}

export function memoryContestants(): MemoryContestants {
  const stack = new AsyncDisposableStack();
  const contestant = (name: string, runs: MemorySetup["runs"], events: number): Contestant => {
    const setup: MemorySetup = { name, guarantees, events, runs };
    return stack.use(inOwnProcess(WORKER, setup));
  };
  return {
    guards: contestant("Latchkey, memory store", "guards", EVENTS),
    inspected: contestant("Latchkey inspected, memory store", "inspected guards", EVENTS),
    duplicates: contestant("Latchkey, duplicates from the cache", "duplicates", DUPLICATES),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
