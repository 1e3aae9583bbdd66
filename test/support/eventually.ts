import { setTimeout as pause } from "node:timers/promises";

/**
 * Asks until the answer is there; for what happens in another process, where nothing announces it. It waits far longer than that
 * takes: a machine that has other things to do makes a test late, not wrong.
 * @throws {Error} with the last failure as its cause, when `withinMs` have passed.
 */
export async function eventually<Value>(
  what: string,
  ask: () => Promise<Value | undefined> | Value | undefined,
  withinMs = 60_000,
): Promise<Value> {
  const giveUpAt = performance.now() + withinMs;
  let cause: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await pause(20);
  } while (performance.now() < giveUpAt);
  throw new Error(`Waited ${withinMs} ms in vain: ${what}`, { cause });
}
