import { setTimeout as pause } from "node:timers/promises";

/**
 * Calls `ask` until it returns something other than `undefined` or `false`. Use it for events in another process that cannot be
 * awaited. The default limit is far longer than any such event takes, so a busy machine delays a test but does not fail it.
 * @throws {Error} After `withinMs`, with the last failure as its cause.
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
