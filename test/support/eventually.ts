import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `ask` until it returns something other than `undefined` or `false`. For events in another process that nothing announces.
 * The limit is far longer than such an event takes, so that a busy machine makes a test late, not wrong.
 * @throws {Error} after `withinMs`, with the last failure as its cause.
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
  throw new Error(`Waited ${withinMs} ms without success: ${what}`, { cause });
}
