import type { PlantedBug } from "../../support/planted-bugs.ts";

const attempt = "src/engine/attempt.ts";
const keyClient = "src/engine/key-client.ts";

/** Bugs in what follows a dispatch that succeeded: each repeats the dispatch, or undoes a clear. */
export const finishedBugs: readonly PlantedBug[] = [
  {
    name: "a dispatch is forgotten whose commit is unconfirmed",
    patches: [{ file: attempt, find: `engine.finished.remember(identity.storeKey, {`, replace: `Object({` }],
  },
  {
    name: "a dispatch is remembered after its key was cleared",
    patches: [
      { file: attempt, find: `return cleared === "unchanged";`, replace: `return true;` },
      {
        file: attempt,
        find: `if (cleared === "cleared") engine.finished.forget(identity.storeKey);`,
        replace: ``,
      },
    ],
  },
  {
    name: "a commit in doubt is written again after its key was cleared",
    patches: [
      {
        file: keyClient,
        find: `this.#context.phase === "committing" ? this.#clearedSince() : undefined`,
        replace: `undefined`,
      },
      { file: keyClient, find: `context.revision === 0 ? this.#clearedSince() : undefined`, replace: `undefined` },
    ],
  },
  {
    name: "a commit is written over nothing without a look at the clears",
    patches: [
      { file: keyClient, find: `context.revision === 0 ? this.#clearedSince() : undefined`, replace: `undefined` },
    ],
  },
];
