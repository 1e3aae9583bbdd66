import type { Deduplicator, Outcome } from "../../../src/index.ts";

export interface Versioned {
  readonly version: number;
}

/** Dispatches the current version of a row, each version once. Call it for every delivery. */
export async function dispatchLatest<Row extends Versioned>(
  dedup: Deduplicator,
  id: string,
  read: () => Promise<Row>,
  dispatch: (row: Row) => Promise<void>,
): Promise<Outcome<void>["outcome"]> {
  const row = await read();
  const eventId = JSON.stringify([id, row.version]);
  const { outcome } = await dedup.guard({ subscriptionId: "search-index", eventId }, () => dispatch(row));
  return outcome; // redeliver if it is "pending"
}
