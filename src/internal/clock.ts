import { performance } from "node:perf_hooks";
import { onAbort } from "./abort.ts";

/** Time, as Latchkey sees it. A simulation passes its own. */
export interface Clock {
  /** Milliseconds that never go back: what leases are measured with. */
  monotonicMs(): number;
  /** Milliseconds since 1970, for people and hints, never for a decision. */
  wallMs(): number;
  /** Calls `run` once, `delayMs` from now or a little later; the returned function calls it off. */
  schedule(delayMs: number, run: () => void): () => void;
}

/** The longest delay that Node's timers keep; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of this process. */
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
 * Resolves after `delayMs`, or as soon as one of the signals aborts. Nothing is left behind: `AbortSignal.any` leaves a reference at
 * each of its signals for as long as that lives (seen with Node 20), and `Promise.race` one at each of its promises.
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
