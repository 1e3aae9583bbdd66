import { Deduplicator, memoryStore } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { type Contestant, guards, oneByOne, type Promises } from "./contestant.ts";

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
  const store = memoryStore({ maxKeys: 1_000_000 });
  const dedup = new Deduplicator({ store });
  const shown = new Deduplicator({ store });
  const inspector = await serveInspector({ dedup: shown });
  const once = guards(dedup);
  await once("known");
  return {
    guards: oneByOne({ name: "Latchkey, memory store", promises, events: EVENTS, once }),
    inspected: oneByOne({
      name: "Latchkey inspected, memory store",
      promises,
      events: EVENTS,
      once: (id) => guards(shown)(`shown-${id}`),
    }),
    duplicates: oneByOne({
      name: "Latchkey, duplicates told by the cache",
      promises,
      events: DUPLICATES,
      once: () => once("known"),
    }),
    async [Symbol.asyncDispose]() {
      await inspector.close();
      await Promise.all([dedup.close(), shown.close()]);
      await store.close();
    },
  };
}
