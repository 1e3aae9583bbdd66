import type { DeadLetter } from "../../model/dead-letter.ts";
import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import type { RemovingStore } from "../../stores/remove-unchanged.ts";
import type { EventSelector } from "./event-selector.ts";
import type { FilterFlags } from "./key-filter.ts";
import type { ListedKey, RemovedKey, StoredKey } from "./stored-key.ts";

/** The keys of a store that replicas share. */
export interface OpenKeys extends AsyncDisposable {
  /** Name of the bucket from the command line, or `postgres`. */
  readonly name: string;
  /** Name of the store within a sentence: `bucket dedup`. */
  readonly title: string;
  /** Names of the buckets that share the keys. */
  readonly bucketNames: readonly string[];
  /** Returns the time of the server that the keys follow. */
  readonly serverMs: () => number;
  /** Undefined if the server does not report its time. */
  readonly difference: ClockDifference | undefined;
  /**
   * Reads the keys that match, in the order of their last writes.
   * @param subjectsIn subjects of the keys to read; those of the filter by default.
   * @throws {StoreUnavailableError}
   */
  scan(flags: FilterFlags, subjectsIn?: EventSelector["subjectsIn"]): AsyncIterable<StoredKey>;
  /** Reads the keys that match, and the empty keys whose dispatch failed. PostgreSQL keeps no failures. @throws {StoreUnavailableError} */
  scanAll(flags: FilterFlags): AsyncIterable<ListedKey>;
  /** Reads the keys of one event. Needs only the permissions of a replica. @throws {StoreUnavailableError} */
  lookUp(subjectsIn: EventSelector["subjectsIn"]): Promise<ReadonlyArray<ListedKey | RemovedKey>>;
  /** Reads the dead letters of a subject. Missing for PostgreSQL. */
  readonly letters?: (subject: string) => AsyncIterable<DeadLetter>;
  /** Opens the stores to remove keys from, by the names of their buckets. */
  openStores(): Promise<ReadonlyMap<string, RemovingStore>>;
}
