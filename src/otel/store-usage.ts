import type { ObservableResult } from "@opentelemetry/api";
import type { Metrics } from "./metrics.ts";

/** Size of a store. */
export interface StoreUsage {
  /** Bytes in use. */
  readonly usedBytes: number;
  /** Maximum number of bytes. */
  readonly limitBytes: number;
}

/** Reports the usage with each export. Returns a function that ends this. */
export function observeUsage({ storeUsed, storeLimit }: Metrics, read: () => Promise<StoreUsage>): () => void {
  const used = async (result: ObservableResult): Promise<void> => result.observe((await read()).usedBytes);
  const limit = async (result: ObservableResult): Promise<void> => result.observe((await read()).limitBytes);
  storeUsed.addCallback(used);
  storeLimit.addCallback(limit);
  return () => {
    storeUsed.removeCallback(used);
    storeLimit.removeCallback(limit);
  };
}
