import type { StoreKey } from "../../model/identity.ts";
import type { Change, Store } from "../../model/store.ts";
import type { HistoryRecorder } from "../record/history-recorder.ts";
import { kvEntryOf } from "./kv.ts";

/** Records every change of the store until the signal aborts. */
export async function observeStore(store: Store, recorder: HistoryRecorder, signal: AbortSignal): Promise<void> {
  if (store.watch === undefined) return;
  /** Keys of the simulated key-value interface, by their keys in the store. A removal shows only the latter. */
  const kvKeys = new Map<StoreKey, string>();
  for await (const change of store.watch({}, signal)) recordChange(recorder, change, kvKeys);
}

function recordChange(recorder: HistoryRecorder, change: Change, kvKeys: Map<StoreKey, string>): void {
  if (change.type === "removed") {
    const { key, revision } = change;
    recorder.note({ type: "store.removed", key: kvKeys.get(key) ?? key, revision });
    return;
  }
  const { key, revision, record } = change.entry;
  const value = kvEntryOf(change.entry);
  if (value === undefined) {
    recorder.note({ type: "store.held", key, revision, record });
    return;
  }
  kvKeys.set(key, value.key);
  recorder.note({ type: "store.held", key: value.key, revision, value: value.value });
}
