import type { Clock } from "../../internal/clock.ts";

/** A signal that aborts after a time limit or with the first of other signals. Dispose it to remove its listeners. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** True if the time limit came first. */
  readonly hasPassed: boolean;
}

/** Starts a time limit. */
export function startDeadline(clock: Clock, timeoutMs: number, others: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  let hasPassed = false;
  const cancel = clock.schedule(timeoutMs, () => {
    hasPassed = !controller.signal.aborted;
    controller.abort();
  });
  const abort = (): void => controller.abort();
  for (const other of others) {
    if (other.aborted) abort();
    else other.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    get hasPassed() {
      return hasPassed;
    },
    [Symbol.dispose]() {
      cancel();
      for (const other of others) other.removeEventListener("abort", abort);
    },
  };
}
