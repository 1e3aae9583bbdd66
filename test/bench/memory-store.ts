import { Deduplicator, memoryStore } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { type Contestant, guards, type OneByOneContestant, oneByOne, type Promises } from "./contestant.ts";

/** A round of fewer is over before the memory for young objects, which begins small, has grown. */
const EVENTS = 60_000;
const DUPLICATES = 200_000;

const promises: Promises = { keptBy: "this process", fence: "yes", lease: "renewed, with a signal" };

/** Guards on a store in the memory of the process. */
export interface MemoryContestants extends AsyncDisposable {
  readonly guards: Contestant;
  readonly inspected: Contestant;
  readonly duplicates: Contestant;
}

export async function memoryContestants(): Promise<MemoryContestants> {
  const dedup = new Deduplicator({ store: memoryStore() });
  const once = guards(dedup);
  await once("known");
  return {
    guards: onFreshStores("Latchkey, memory store"),
    inspected: onFreshStores("Latchkey inspected, memory store", (shown) => serveInspector({ dedup: shown })),
    duplicates: oneByOne({
      name: "Latchkey, duplicates told by the cache",
      promises,
      events: DUPLICATES,
      once: () => once("known"),
    }),
    [Symbol.asyncDispose]: () => dedup.close(),
  };
}

/** A store of its own for each round: what is in one takes the garbage collector's time in all that follow. */
function onFreshStores(
  name: string,
  inspect?: (dedup: Deduplicator) => Promise<{ close(): Promise<void> }>,
): Contestant {
  async function onFresh<Result>(run: (contestant: OneByOneContestant) => Promise<Result>): Promise<Result> {
    await using dedup = new Deduplicator({ store: memoryStore() });
    const inspector = await inspect?.(dedup);
    try {
      return await run(oneByOne({ name, promises, events: EVENTS, once: guards(dedup) }));
    } finally {
      await inspector?.close();
    }
  }
  return {
    name,
    promises,
    rate: (round) => onFresh((contestant) => contestant.rate(round)),
    alone: (round) => onFresh((contestant) => contestant.alone(round)),
  };
}
