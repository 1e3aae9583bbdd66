import { machineMs } from "./machine-clock.ts";

/**
 * Lets the event loop make one whole turn, and says when that began: every timer that was due by then has run when it resolves,
 * however long this process stood still before.
 */
export async function wholeTurn(): Promise<number> {
  const beganMs = machineMs();
  // The rest of the turn at hand, and then one from timers to here.
  await check();
  await check();
  return beganMs;
}

function check(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
