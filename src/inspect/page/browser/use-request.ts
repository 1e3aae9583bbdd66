import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RequestResult } from "../state/request-result.ts";

/** Interval between requests of a view that shows the current state of the store. */
export const REFRESH_MS = 5_000;

/**
 * Sends a request when the component appears and whenever a dependency changes, and also every `everyMs` if that is set. Returns the
 * latest reply. A reply that arrives after the next dependency change is ignored.
 */
export function useRequest<Value>(
  request: () => Promise<RequestResult<Value>>,
  dependencies: readonly unknown[],
  everyMs?: number,
): ReadonlySignal<RequestResult<Value> | undefined> {
  const reply = useSignal<RequestResult<Value> | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    const load = async (): Promise<void> => {
      const latest = await request();
      if (!isOver) reply.value = latest;
    };
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => void load(), everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, dependencies);
  return reply;
}
