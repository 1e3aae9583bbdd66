import { Deduplicator, memoryStore, type Store } from "latchkey";
import { guards } from "./contestant.ts";
import type { Figure } from "./figures.ts";
import { throughput } from "./measure.ts";

const KEPT = 1_000_000;
const IN_FLIGHT = 20_000;
const CACHED = 500_000;

/** Heap that a key takes, in bytes. */
export interface KeyMemory {
  readonly what: string;
  readonly bytes: number;
}

/** Measures the heap of a memory store with a million keys, of keys in flight, and of the cache. */
export async function benchKeyMemory(): Promise<{
  readonly memory: readonly KeyMemory[];
  readonly figures: readonly Figure[];
}> {
  const store = memoryStore({ maxKeys: 2 * KEPT });
  const dedup = new Deduplicator({ store, cacheSize: 0 });
  const once = guards(dedup);
  await throughput(1_000, 64, (index) => once(`warm-${index}`));

  const before = heapUsed();
  await throughput(KEPT / 2, 64, (index) => once(`first-${index}`));
  const half = heapUsed();
  await throughput(KEPT / 2, 64, (index) => once(`second-${index}`));
  const full = heapUsed();

  let end: () => void = () => {};
  const running = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begun = 0;
  const attempts = Array.from({ length: IN_FLIGHT }, (_, index) =>
    dedup.guard({ subscriptionId: "bench", eventId: `attempt-${index}` }, () => {
      begun += 1;
      return running;
    }),
  );
  while (begun < IN_FLIGHT) await new Promise((resolve) => setImmediate(resolve));
  const withAttempts = heapUsed();
  end();
  await Promise.all(attempts);
  await dedup.close();

  // The half that was used last always stays, so every commit is in the cache.
  const caching = new Deduplicator({ store: forgetfulStore(), cacheSize: 2 * CACHED });
  const empty = heapUsed();
  await throughput(CACHED, 64, (index) => guards(caching)(`cached-${index}`));
  const cached = (heapUsed() - empty) / CACHED;
  await caching.close();
  await store.close();
  const inFlight = (withAttempts - full) / IN_FLIGHT;
  return {
    memory: [
      { what: "committed, the first half million", bytes: (half - before) / (KEPT / 2) },
      { what: "committed, the second half million", bytes: (full - half) / (KEPT / 2) },
      { what: "in flight", bytes: inFlight },
      { what: "in the cache", bytes: cached },
    ],
    figures: [
      { what: "bytes per key in flight", measured: inFlight, limit: { atMost: 3_000 } },
      { what: "bytes per key in the cache", measured: cached, limit: { atMost: 200 } },
    ],
  };
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Returns a store that keeps nothing, so that only the cache takes memory. Its revisions rise like those of a bucket. */
function forgetfulStore(): Store {
  let revision = Date.now() * 1_000;
  return {
    put: async () => ({ ok: true, revision: ++revision }),
    get: async () => undefined,
    invalidation: { epoch: () => 0, invalidate: async () => {} },
  };
}
