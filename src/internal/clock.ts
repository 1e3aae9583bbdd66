import { onAbort } from "./abort.ts";
import { Deferred } from "./deferred.ts";

/** Source of time and timers. A simulation passes its own. */
export interface Clock {
  /** Returns a time that never goes back, in milliseconds. Leases are measured with it. */
  monotonicMs(): number;
  /** Returns the wall-clock time in milliseconds since 1970. For people and hints, never for a decision. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now or a little later. Returns a function that cancels it. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** Maximum delay of a JavaScript timer; a longer one fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Clock of this process. Uses the global `performance`, which fake timers replace. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, run) {
    let timer = setTimeout(hop, Math.min(delayMs, LONGEST_TIMER_MS), delayMs - LONGEST_TIMER_MS);
    function hop(leftMs: number): void {
      if (leftMs <= 0) run();
      else timer = setTimeout(hop, Math.min(leftMs, LONGEST_TIMER_MS), leftMs - LONGEST_TIMER_MS);
    }
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const cancel = clock.schedule(delayMs, () => {
      leave();
      resolve();
    });
    const leave = onAbort(signal, () => {
      cancel();
      leave();
      reject(signal.reason);
    });
  });
}

/**
 * Resolves after `delayMs`, or as soon as one of the signals aborts. Leaves no references behind: `AbortSignal.any` leaves
 * one at each signal on Node 20, and `Promise.race` leaves one at each promise.
 */
export function delay(clock: Clock, delayMs: number, signals: ReadonlyArray<AbortSignal | undefined>): Promise<void> {
  return new Promise((resolve) => {
    const given = signals.filter((signal) => signal !== undefined);
    if (given.some(({ aborted }) => aborted)) {
      resolve();
      return;
    }
    const wake = (): void => {
      for (const leave of left) leave();
      resolve();
    };
    const left = [clock.schedule(delayMs, wake), ...given.map((signal) => onAbort(signal, wake))];
  });
}

/** Settles like `work`, or resolves with `"late"` after `limitMs`. */
export async function within<Value>(clock: Clock, limitMs: number, work: Promise<Value>): Promise<Value | "late"> {
  const late = new Deferred<"late">();
  const cancel = clock.schedule(limitMs, () => late.resolve("late"));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}
