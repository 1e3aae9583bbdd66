import type { Clock } from "../../internal/clock.ts";

/** A signal that aborts with the first of several others, or when the time is up; dispose it, or they keep its listeners. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time was up first. */
  readonly hasPassed: boolean;
}

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
