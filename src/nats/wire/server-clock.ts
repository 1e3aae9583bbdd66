import type { StreamInfo } from "@nats-io/jetstream";
import type { Clock } from "../../internal/clock.ts";

/** Difference between a server's wall clock and ours. */
export interface ClockDifference {
  /** Milliseconds to add to our clock to read the server's. */
  readonly offsetMs: number;
  /** Maximum error of `offsetMs` in either direction, in milliseconds: half of the round trip. */
  readonly uncertaintyMs: number;
}

/**
 * Sends a request whose answer carries the server's time, and compares that time with ours.
 * `difference` is undefined if the server does not report its time.
 *
 *     here    request ───────────────────▶ answer
 *     server             timestamp (ts)
 */
export async function withClockDifference<Info extends Pick<StreamInfo, "ts">>(
  clock: Clock,
  request: () => Promise<Info>,
): Promise<{ readonly info: Info; readonly difference: ClockDifference | undefined }> {
  const startWallMs = clock.wallMs();
  const startedMs = clock.monotonicMs();
  const info = await request();
  const uncertaintyMs = (clock.monotonicMs() - startedMs) / 2;
  const serverMs = Date.parse(info.ts ?? "");
  const difference = { offsetMs: serverMs - (startWallMs + uncertaintyMs), uncertaintyMs };
  return { info, difference: Number.isNaN(serverMs) ? undefined : difference };
}
