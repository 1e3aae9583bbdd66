import type { PlantedBug } from "../../support/planted-bugs.ts";

const keyClient = "src/engine/key-client.ts";
const errors = "src/errors.ts";

/** Bugs in the handling of a record that exceeds the store's limit. */
export const sizeLimitBugs: readonly PlantedBug[] = [
  {
    name: "a record that is too large counts as an unavailable store",
    patches: [{ file: keyClient, find: `isForLackOfRoom(error)) {`, replace: `isForLackOfRoom(error) && false) {` }],
  },
  {
    name: "a full store delays a commit because of its result",
    patches: [{ file: errors, find: `|| (isStoreUnavailable(error) && error.full)`, replace: `` }],
  },
  {
    name: "a dropped result is not reported",
    patches: [
      {
        file: "src/engine/record-writer.ts",
        find: `this.#result = { state: "failed", error };`,
        replace: `this.#result = { state: "none" };`,
      },
    ],
  },
  {
    name: "a commit that is still too large counts as stored",
    patches: [
      {
        file: keyClient,
        find: `        return undefined;
      }`,
        replace: `        return { type: "write.acked", revision: 9, late: false };
      }
      return { type: "write.acked", revision: 9, late: false };`,
      },
    ],
  },
  {
    name: "a claim that is too large is retried",
    patches: [
      {
        file: keyClient,
        find: `return isUnavailable || this.#context.phase`,
        replace: `if (!isUnavailable) return { type: "store.unreachable", ambiguous: true };
    return isUnavailable || this.#context.phase`,
      },
    ],
  },
];
