import { type Clock, sleep } from "../../internal/clock.ts";
import type { Fleet } from "./fleet.ts";
import type { Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

export const REPLICAS = 3;
export const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** Sends everything, and waits until it is settled. */
export async function play(
  scenario: Scenario,
  world: World,
  fleet: Fleet,
  clock: Clock,
  signal: AbortSignal,
): Promise<"settled" | "gave up" | "interrupted"> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  const sendAndSettle = async (): Promise<"settled" | "gave up"> => {
    for (let replica = 0; replica < REPLICAS; replica += 1) await fleet.start();
    const startMs = clock.monotonicMs();
    for (const { line, atMs } of scenario.sendings) {
      const waitMs = startMs + atMs - clock.monotonicMs();
      if (waitMs > 0) await sleep(clock, waitMs, signal);
      await world.publish(line);
    }
    while (!(await world.isIdle())) {
      if (clock.monotonicMs() > untilMs) return "gave up";
      await sleep(clock, LOOK_MS, signal);
    }
    return "settled";
  };
  try {
    return await Promise.race([sendAndSettle(), fleet.broken]);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return "interrupted";
    throw error;
  } finally {
    await fleet.stop();
  }
}
