import type { Bug } from "./bug.ts";

const store = "src/stores/memory-store.ts";

/** Bugs in the memory store. */
export const storeBugs: readonly Bug[] = [
  {
    name: "the store overwrites any record when the caller expects none",
    breaks: "G5",
    faults: { redelivery: 3 },
    patches: [
      {
        file: store,
        find: `if ((found?.revision ?? 0) !== expected) return`,
        replace: `if (expected !== 0 && found?.revision !== expected) return`,
      },
    ],
  },
  {
    name: "the store removes a record of any revision",
    breaks: "G3",
    faults: { "clock jump": 1, "failing effect": 1, redelivery: 1 },
    patches: [
      {
        file: store,
        find: `if (held?.revision !== how.expected) return`,
        replace: `if (held === undefined) return`,
      },
    ],
  },
  {
    name: "the store reuses revisions",
    breaks: "G5",
    faults: { "late write": 3, "failing effect": 3, redelivery: 3, "clock jump": 2 },
    patches: [
      {
        file: store,
        find: `    lastRevision += 1;
    const held =`,
        replace: `    lastRevision = (found?.revision ?? 0) + 1;
    const held =`,
      },
    ],
  },
  {
    name: "the store evicts a key too early",
    breaks: "G1",
    faults: { redelivery: 4, "clock jump": 3 },
    patches: [
      {
        file: store,
        find: `endsAtMs: nowMs + ttlMs`,
        replace: `endsAtMs: nowMs + ttlMs / 4`,
      },
    ],
  },
  {
    name: "the store never evicts a key, and no replica measures the age of a reservation",
    breaks: "G4",
    faults: { crash: 2 },
    patches: [
      { file: store, find: `endsAtMs: nowMs + ttlMs`, replace: `endsAtMs: Infinity` },
      {
        file: "src/engine/observed-leases.ts",
        find: `return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;`,
        replace: `return entry.record.leaseMs;`,
      },
    ],
  },
];
