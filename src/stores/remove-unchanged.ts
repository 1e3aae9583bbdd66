import type { StoreKey } from "../model/identity.ts";
import type { Removal, Revision, Store } from "../model/store.ts";

/** Number of concurrent removals. */
const AT_ONCE = 64;

/** The part of a store that removes keys. */
export interface RemovingStore {
  readonly invalidation?: Store["invalidation"] | undefined;
  /** Returns `undefined` if the store cannot remove. */
  remove?(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal | undefined>;
}

/** A key at the revision at which it may be removed. */
interface SeenKey {
  readonly key: StoreKey;
  readonly revision: Revision;
}

/**
 * Removes keys at their known revisions, then invalidates the caches of all replicas. Returns the removed ones, in their order.
 * Starts no more removals once the signal aborts or one fails, awaits the running ones, and always invalidates.
 * @param note receives the result of each removal.
 * @throws {StoreUnavailableError}
 */
export async function removeUnchanged<Seen extends SeenKey>(
  store: RemovingStore,
  seen: readonly Seen[],
  { signal, note }: { readonly signal?: AbortSignal; readonly note?: (isRemoved: boolean) => void } = {},
): Promise<readonly Seen[]> {
  const removed = new Set<Seen>();
  const failures: unknown[] = [];
  const noteFailure = (error: unknown): void => void failures.push(error);
  const rest = seen[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const one of rest) {
      const isRemoved = (await store.remove?.(one.key, { expected: one.revision }))?.ok === true;
      if (isRemoved) removed.add(one);
      note?.(isRemoved);
      if (signal?.aborted === true || failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => work().catch(noteFailure)));
  // Also after a failure, because some keys may have been removed before it.
  try {
    await store.invalidation?.invalidate();
  } catch (error) {
    noteFailure(error);
  }
  if (failures.length > 0) throw failures[0];
  return seen.filter((one) => removed.has(one));
}
