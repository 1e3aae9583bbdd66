import { Deduplicator, memoryStore } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { guards, type Latency, oneByOne } from "./contestant.ts";
import type { Rate } from "./measure.ts";
import type { MemorySetup } from "./memory-store.ts";
import { answerRequests, type Round } from "./worker-channel.ts";

// The process of one contestant with a memory store. It measures one round at a time.

const { runs, ...described }: MemorySetup = JSON.parse(process.argv[2] ?? "");
const known = new Deduplicator({ store: memoryStore() });
await guards(known)("known");

answerRequests(async ({ measure = "rate", round }: Round): Promise<Rate | Latency> => {
  // A new store for each round, because a full one takes the garbage collector's time in all later rounds.
  await using dedup = new Deduplicator({ store: memoryStore() });
  const inspector = runs === "inspected guards" ? await serveInspector({ dedup }) : undefined;
  const once = runs === "duplicates" ? () => guards(known)("known") : guards(dedup);
  const contestant = oneByOne({ ...described, once });
  try {
    // Not measured: the maps of a new store grow, and those of a service have grown.
    await contestant[measure](`${round}-fill`);
    return await contestant[measure](round);
  } finally {
    await inspector?.close();
  }
});
