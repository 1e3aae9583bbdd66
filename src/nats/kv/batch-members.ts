import { MAX_BATCH } from "../wire/batch.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";

/** Maximum total length of a batch's payloads. The server holds a batch in memory until it is complete. */
const MAX_BATCH_LENGTH = 1_048_576;
/** Maximum payload length of a batch member. A longer payload is sent alone. */
const MAX_MEMBER_LENGTH = 65_536;

/**
 * Returns how many of the first writes fit into one batch: no key twice, and nothing too long.
 * Returns 1 if the first write must be sent alone.
 */
export function countMembers(queue: readonly { readonly write: CompareAndSet }[]): number {
  const keys = new Set<string>();
  let length = 0;
  for (const [index, { write }] of queue.entries()) {
    if (index === MAX_BATCH) return index;
    length += write.payload.length;
    const fits = write.payload.length <= MAX_MEMBER_LENGTH && length <= MAX_BATCH_LENGTH && !keys.has(write.key);
    if (!fits) return Math.max(1, index);
    keys.add(write.key);
  }
  return queue.length;
}
