import type { PlantedBug } from "../../support/planted-bugs.ts";

const cache = "src/engine/commit-cache.ts";
const flight = "src/engine/attempt.ts";

/** In what replicas remember of commits; each makes one call an event a duplicate that is none. */
export const cacheBugs: readonly PlantedBug[] = [
  {
    name: "a commit is remembered before it is acknowledged",
    patches: [
      {
        file: flight,
        find: `    this.#stored.putCommitted(context);`,
        replace: `    this.#keepCommit(context);
    this.#stored.putCommitted(context);`,
      },
    ],
  },
  {
    name: "what is remembered outlives its window",
    patches: [{ file: cache, find: `nowMs < this.#bornAtMs + kept.untilMs`, replace: `true` }],
  },
  {
    name: "the window of what is remembered counts from the acknowledgement",
    patches: [
      {
        file: flight,
        find: `this.#commitSentAtMs + this.how.windowMs`,
        replace: `this.clock.monotonicMs() + this.how.windowMs`,
      },
    ],
  },
  {
    name: "another's commit is remembered for as long as one's own",
    patches: [{ file: flight, find: `this.startedAtMs + FRESH_MS`, replace: `this.startedAtMs + this.how.windowMs` }],
  },
  {
    name: "a clear is not told of",
    patches: [
      {
        file: "src/deduplicator.ts",
        find: `await this.#store.invalidation?.invalidate();`,
        replace: ``,
      },
    ],
  },
  {
    name: "a clear is not heard",
    patches: [{ file: cache, find: `if (latest !== this.#mark) this.#commits?.clear();`, replace: `` }],
  },
  {
    name: "a commit that was cleared before its acknowledgement is remembered",
    patches: [{ file: cache, find: `|| mark !== this.#mark) return;`, replace: `) return;` }],
  },
  {
    name: "a clear is done before all have heard of it",
    patches: [
      {
        file: "src/stores/cache-epoch.ts",
        find: `    await delay(this.#clock, TRUSTED_MS, []);
`,
        replace: ``,
      },
    ],
  },
  {
    name: "what was heard of clears is relied on for ever",
    patches: [{ file: "src/stores/cache-epoch.ts", find: `nowMs - this.#epochReadAtMs < TRUSTED_MS`, replace: `true` }],
  },
];
