import { Deduplicator, memoryStore } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { type Contestant, type Guarantees, guards, type OneByOneContestant, oneByOne } from "./contestant.ts";

/** A shorter round ends before V8's young generation, which begins small, has grown. */
const EVENTS = 60_000;
const DUPLICATES = 200_000;

const guarantees: Guarantees = { storage: "this process", fence: "yes", lease: "renewed, with a signal" };

/** Guards on a memory store. */
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
      name: "Latchkey, duplicates from the cache",
      guarantees,
      events: DUPLICATES,
      once: () => once("known"),
    }),
    [Symbol.asyncDispose]: () => dedup.close(),
  };
}

/** Uses a new store for each round, because a full one takes the garbage collector's time in all later rounds. */
function onFreshStores(
  name: string,
  inspect?: (dedup: Deduplicator) => Promise<{ close(): Promise<void> }>,
): Contestant {
  async function onFresh<Result>(run: (contestant: OneByOneContestant) => Promise<Result>): Promise<Result> {
    await using dedup = new Deduplicator({ store: memoryStore() });
    const inspector = await inspect?.(dedup);
    try {
      return await run(oneByOne({ name, guarantees, events: EVENTS, once: guards(dedup) }));
    } finally {
      await inspector?.close();
    }
  }
  return {
    name,
    guarantees,
    rate: (round) => onFresh((contestant) => contestant.rate(round)),
    latency: (round) => onFresh((contestant) => contestant.latency(round)),
  };
}
