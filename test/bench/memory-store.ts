import { Deduplicator, memoryStore } from "latchkey";
import { type Contestant, oneByOne, type Promises } from "./contestant.ts";
import { guards } from "./nats.ts";

const EVENTS = 30_000;
const DUPLICATES = 200_000;

const promises: Promises = { keptBy: "this process", fence: "yes", lease: "renewed, with a signal" };

/** Guards on a store in the memory of the process. */
export interface MemoryContestants extends AsyncDisposable {
  readonly guards: Contestant;
  readonly duplicates: Contestant;
}

export async function memoryContestants(): Promise<MemoryContestants> {
  const store = memoryStore({ maxKeys: 1_000_000 });
  const dedup = new Deduplicator({ store });
  const once = guards(dedup);
  await once("known");
  return {
    guards: oneByOne({ name: "Latchkey, memory store", promises, events: EVENTS, once }),
    duplicates: oneByOne({
      name: "Latchkey, duplicates told by the cache",
      promises,
      events: DUPLICATES,
      once: () => once("known"),
    }),
    async [Symbol.asyncDispose]() {
      await dedup.close();
      await store.close();
    },
  };
}
