import { performance } from "node:perf_hooks";
import { onAbort } from "./abortable.ts";

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
