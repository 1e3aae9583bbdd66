import { type DeduplicatorOptions, memoryStore } from "../../src/index.ts";

/** Returns deduplicator options with a short lease and a store of their own. */
export function quick(more: Partial<DeduplicatorOptions> = {}): DeduplicatorOptions {
  return { store: memoryStore(), leaseMs: 3_000, skewMs: 0, ...more };
}
