import type { Contestant, Guarantees, Latency } from "./contestant.ts";
import type { Rate } from "./measure.ts";
import { type Round, startWorker } from "./worker-channel.ts";

/** A shorter round ends before V8's young generation, which begins small, has grown. */
const EVENTS = 60_000;
const DUPLICATES = 200_000;

const guarantees: Guarantees = { storage: "this process", fence: "yes", lease: "renewed, with a signal" };

/** What the process of a contestant runs. */
export interface MemorySetup {
  readonly name: string;
  readonly guarantees: Guarantees;
  readonly runs: "guards" | "inspected guards" | "duplicates";
}

/** Guards on a memory store, each in a process of its own: a service shares no process with the other contestants' objects. */
export interface MemoryContestants extends AsyncDisposable {
  readonly guards: Contestant;
  readonly inspected: Contestant;
  readonly duplicates: Contestant;
}

export function memoryContestants(): MemoryContestants {
  const stack = new AsyncDisposableStack();
  const contestant = (name: string, runs: MemorySetup["runs"]): Contestant => {
    const events = runs === "duplicates" ? DUPLICATES : EVENTS;
    const setup: MemorySetup = { name, guarantees, runs };
    const worker = stack.use(startWorker<Round, Rate | Latency>(new URL("memory-worker.ts", import.meta.url), setup));
    return {
      name,
      guarantees,
      async rate(round) {
        const rate = await worker.ask({ measure: "rate", round, events });
        if ("perSecond" in rate) return rate;
        throw new TypeError("Expected the worker to answer with a rate");
      },
      async latency(round) {
        const latency = await worker.ask({ measure: "latency", round, events });
        if ("p50Us" in latency) return latency;
        throw new TypeError("Expected the worker to answer with a latency");
      },
    };
  };
  return {
    guards: contestant("Latchkey, memory store", "guards"),
    inspected: contestant("Latchkey inspected, memory store", "inspected guards"),
    duplicates: contestant("Latchkey, duplicates from the cache", "duplicates"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
