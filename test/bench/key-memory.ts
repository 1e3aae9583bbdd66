import { Deduplicator, memoryStore } from "latchkey";
import type { Figure } from "./figures.ts";
import { perSecond } from "./measure.ts";
import { guards } from "./nats.ts";

const KEPT = 1_000_000;
const IN_FLIGHT = 20_000;

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
  const dedup = new Deduplicator({ store });
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
  await store.close();
  const inFlight = (flying - full) / IN_FLIGHT;
  return {
    memory: [
      { what: "committed, the first half million", bytes: (half - before) / (KEPT / 2) },
      { what: "committed, the second half million", bytes: (full - half) / (KEPT / 2) },
      { what: "in flight", bytes: inFlight },
      { what: "left when all is closed", bytes: (heapUsed() - before) / KEPT },
    ],
    figures: [{ what: "bytes a key in flight", is: inFlight, goal: { atMost: 6_000 } }],
  };
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
