import { Deduplicator, memoryStore } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { guards, type Latency, oneByOne } from "./contestant.ts";
import type { Rate } from "./measure.ts";
import type { Measurement, MemorySetup } from "./memory-store.ts";
import { answerRequests } from "./worker-channel.ts";

// The process of one contestant with a memory store. It measures one round at a time.

/** A shorter round ends before V8's young generation, which begins small, has grown. */
const EVENTS = 60_000;
const DUPLICATES = 200_000;

const { runs, ...described }: MemorySetup = JSON.parse(process.argv[2] ?? "");
const known = new Deduplicator({ store: memoryStore() });
await guards(known)("known");

answerRequests(async ({ measure, round }: Measurement): Promise<Rate | Latency> => {
  // A new store for each round, because a full one takes the garbage collector's time in all later rounds.
  await using dedup = new Deduplicator({ store: memoryStore() });
  const inspector = runs === "inspected guards" ? await serveInspector({ dedup }) : undefined;
  const contestant = oneByOne(
    runs === "duplicates"
      ? { ...described, events: DUPLICATES, once: () => guards(known)("known") }
      : { ...described, events: EVENTS, once: guards(dedup) },
  );
  globalThis.gc?.();
  try {
    return await contestant[measure](round);
  } finally {
    await inspector?.close();
  }
});
