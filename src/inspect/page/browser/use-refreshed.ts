import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Reply } from "../state/reply.ts";

/** Interval between requests while a view is open. */
const REFRESH_MS = 5_000;

/** Sends a request when the view opens, whenever `dependency` changes, and at intervals. Returns its latest reply. */
export function useRefreshed<Value>(
  request: () => Promise<Reply<Value>>,
  dependency: unknown,
): ReadonlySignal<Reply<Value> | undefined> {
  const reply = useSignal<Reply<Value> | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    const load = async (): Promise<void> => {
      const latest = await request();
      if (!isOver) reply.value = latest;
    };
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [dependency]);
  return reply;
}
