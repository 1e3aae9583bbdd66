import type { Bug } from "./bug.ts";

const store = "src/stores/memory-store.ts";

/** In a store. */
export const storeBugs: readonly Bug[] = [
  {
    name: "the store writes over anything when it expects nothing",
    breaks: "G5",
    faults: { redelivery: 3 },
    patches: [
      {
        file: store,
        find: `if ((found?.revision ?? 0) !== how.expected) return`,
        replace: `if (how.expected !== 0 && found?.revision !== how.expected) return`,
      },
    ],
  },
  {
    name: "the store removes whatever stands there",
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
    name: "the store uses revisions again",
    breaks: "G5",
    faults: { "late write": 3, "failing effect": 3, redelivery: 3, "clock jump": 2 },
    patches: [
      {
        file: store,
        find: `      lastRevision += 1;
      const held =`,
        replace: `      lastRevision = (found?.revision ?? 0) + 1;
      const held =`,
      },
    ],
  },
  {
    name: "the store lets go of a key before its time",
    breaks: "G1",
    faults: { redelivery: 4, "clock jump": 3 },
    patches: [
      {
        file: store,
        find: `endsAtMs: nowMs + how.ttlMs`,
        replace: `endsAtMs: nowMs + how.ttlMs / 4`,
      },
    ],
  },
  {
    name: "the store never lets go, and nobody watches how long a reservation stands",
    breaks: "G4",
    faults: { crash: 2 },
    patches: [
      { file: store, find: `endsAtMs: nowMs + how.ttlMs`, replace: `endsAtMs: Infinity` },
      {
        file: "src/engine/observed-leases.ts",
        find: `return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;`,
        replace: `return entry.record.leaseMs;`,
      },
    ],
  },
];
