import { machineMs } from "./machine-clock.ts";

/**
 * Waits for one whole turn of the event loop and returns the time when the wait began. Every timer that was due by then has run
 * when it resolves, however long the process was paused before.
 */
export async function wholeTurn(): Promise<number> {
  const beganMs = machineMs();
  // The rest of the current turn, and then a whole turn from its timers to its check phase.
  await checkPhase();
  await checkPhase();
  return beganMs;
}

function checkPhase(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
