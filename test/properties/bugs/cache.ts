import type { PlantedBug } from "../../support/planted-bugs.ts";

const cache = "src/engine/commit-cache.ts";
const attempt = "src/engine/attempt.ts";

/** Bugs in the commit cache. Each makes a replica report a false duplicate. */
export const cacheBugs: readonly PlantedBug[] = [
  {
    name: "a commit is cached before it is acknowledged",
    patches: [
      {
        file: attempt,
        find: `    this.#key.putCommit(context);`,
        replace: `    this.#noteCommit(context);
    this.#key.putCommit(context);`,
      },
    ],
  },
  {
    name: "a cached commit outlives its window",
    patches: [{ file: cache, find: `nowMs < this.#createdAtMs + packed.untilOffsetMs`, replace: `true` }],
  },
  {
    name: "the window of a cached commit starts at its acknowledgement",
    patches: [
      {
        file: attempt,
        find: `return (this.#commitSentAtMs ?? 0) + this.#context.how.windowMs;`,
        replace: `return this.#context.engine.nowMs + this.#context.how.windowMs;`,
      },
    ],
  },
  {
    name: "another holder's commit is cached as long as the replica's own",
    patches: [
      { file: attempt, find: `this.startedAtMs + FRESH_MS`, replace: `this.startedAtMs + this.#context.how.windowMs` },
    ],
  },
  {
    name: "a clear is not published",
    patches: [
      {
        file: "src/stores/remove-unchanged.ts",
        find: `await store.invalidation?.invalidate();`,
        replace: `await undefined;`,
      },
    ],
  },
  {
    name: "a clear is not received",
    patches: [{ file: cache, find: `if (latest !== this.#epoch) this.#commits?.clear();`, replace: `` }],
  },
  {
    name: "a commit that was cleared before its acknowledgement is cached",
    patches: [{ file: cache, find: `|| epoch !== this.#epoch) return;`, replace: `) return;` }],
  },
  {
    name: "a clear ends before all replicas have received it",
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
    name: "received clears are trusted forever",
    patches: [{ file: "src/stores/cache-epoch.ts", find: `nowMs - this.#epochReadAtMs < TRUSTED_MS`, replace: `true` }],
  },
];
