import { Deduplicator, memoryStore, type Store } from "latchkey";
import { guards } from "./contestant.ts";
import type { Figure } from "./figures.ts";
import { perSecond } from "./measure.ts";

const KEPT = 1_000_000;
const IN_FLIGHT = 20_000;
const CACHED = 500_000;

/** What a key costs on the heap, in bytes. */
export interface KeyMemory {
  readonly what: string;
  readonly bytes: number;
}

/** A memory store with a million keys, and one with keys in flight. */
export async function benchKeyMemory(): Promise<{
  readonly memory: readonly KeyMemory[];
  readonly figures: readonly Figure[];
}> {
  const store = memoryStore({ maxKeys: 2 * KEPT });
  const dedup = new Deduplicator({ store, cacheSize: 0 });
  const once = guards(dedup);
  await perSecond(1_000, 64, (index) => once(`warm-${index}`));

  const before = heapUsed();
  await perSecond(KEPT / 2, 64, (index) => once(`first-${index}`));
  const half = heapUsed();
  await perSecond(KEPT / 2, 64, (index) => once(`second-${index}`));
  const full = heapUsed();

  let end: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begun = 0;
  const flights = Array.from({ length: IN_FLIGHT }, (_, index) =>
    dedup.guard({ subscriptionId: "bench", eventId: `flight-${index}` }, () => {
      begun += 1;
      return running;
    }),
  );
  while (begun < IN_FLIGHT) await new Promise((resolve) => setImmediate(resolve));
  const flying = heapUsed();
  end();
  await Promise.all(flights);
  await dedup.close();

  const caching = new Deduplicator({ store: nowhere(), cacheSize: CACHED });
  const empty = heapUsed();
  await perSecond(CACHED, 64, (index) => guards(caching)(`cached-${index}`));
  const cached = (heapUsed() - empty) / CACHED;
  await caching.close();
  await store.close();
  const inFlight = (flying - full) / IN_FLIGHT;
  return {
    memory: [
      { what: "committed, the first half million", bytes: (half - before) / (KEPT / 2) },
      { what: "committed, the second half million", bytes: (full - half) / (KEPT / 2) },
      { what: "in flight", bytes: inFlight },
      { what: "in the cache", bytes: cached },
    ],
    figures: [
      { what: "bytes a key in flight", is: inFlight, goal: { atMost: 6_000 } },
      { what: "bytes a key in the cache", is: cached, goal: { atMost: 250 } },
    ],
  };
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** A store that keeps nothing, so that only the cache does; it counts revisions as a bucket does. */
function nowhere(): Store {
  let revision = Date.now() * 1_000;
  return {
    put: async () => ({ ok: true, revision: ++revision }),
    get: async () => undefined,
    invalidation: { epoch: () => 0, invalidate: async () => {} },
  };
}
