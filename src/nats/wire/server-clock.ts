import type { StreamInfo } from "@nats-io/jetstream";
import type { Clock } from "../../internal/clock.ts";

/** How the wall clock of a server differs from ours. */
export interface ClockDifference {
  /** What is to be added to our clock to read the server's, in milliseconds. */
  readonly offsetMs: number;
  /** How far off `offsetMs` may be, in either direction: half of the round trip. */
  readonly uncertaintyMs: number;
}

/**
 * Asks for something that has the server's time with it, and compares; `undefined` when the server does not say its time.
 *
 *     here    asked ──────────────────────▶ answered
 *     server            said (ts)
 */
export async function withClockDifference<Info extends Pick<StreamInfo, "ts">>(
  clock: Clock,
  ask: () => Promise<Info>,
): Promise<{ readonly info: Info; readonly difference: ClockDifference | undefined }> {
  const askedMs = clock.wallMs();
  const startedMs = clock.monotonicMs();
  const info = await ask();
  const uncertaintyMs = (clock.monotonicMs() - startedMs) / 2;
  const saidMs = Date.parse(info.ts ?? "");
  const difference = { offsetMs: saidMs - (askedMs + uncertaintyMs), uncertaintyMs };
  return { info, difference: Number.isNaN(saidMs) ? undefined : difference };
}
