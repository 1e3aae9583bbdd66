import { type Clock, sleep } from "../../internal/clock.ts";
import type { Backend } from "./broker/backend.ts";
import type { Fleet } from "./replicas/fleet.ts";
import type { DemoScenario } from "./scenario/scenario.ts";

export const REPLICAS = 3;
export const TIME_LIMIT_MS = 60_000;
const POLL_MS = 50;

/** Sends all events, and waits until every one is acknowledged. */
export async function playScenario(
  scenario: DemoScenario,
  backend: Backend,
  fleet: Fleet,
  clock: Clock,
  signal: AbortSignal,
): Promise<"settled" | "gave up" | "interrupted"> {
  const untilMs = clock.monotonicMs() + TIME_LIMIT_MS;
  const sendAndSettle = async (): Promise<"settled" | "gave up"> => {
    for (let replica = 0; replica < REPLICAS; replica += 1) await fleet.start();
    const startMs = clock.monotonicMs();
    for (const { line, atMs } of scenario.sends) {
      const waitMs = startMs + atMs - clock.monotonicMs();
      if (waitMs > 0) await sleep(clock, waitMs, signal);
      await backend.publish(line);
    }
    while (!(await backend.isIdle())) {
      if (clock.monotonicMs() > untilMs) return "gave up";
      await sleep(clock, POLL_MS, signal);
    }
    return "settled";
  };
  try {
    return await Promise.race([sendAndSettle(), fleet.failedStart]);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return "interrupted";
    throw error;
  } finally {
    await fleet.stop();
  }
}
