import type { StreamInfo } from "@nats-io/jetstream";
import type { Clock } from "../../internal/clock.ts";

/** Difference between a server's wall clock and ours. */
export interface ClockDifference {
  /** Milliseconds to add to our clock to read the server's. */
  readonly offsetMs: number;
  /** Maximum error of `offsetMs` in either direction, in milliseconds: half of the round trip. */
  readonly uncertaintyMs: number;
}

/** A server's wall-clock time, in milliseconds since 1970, at a time of our monotonic clock. */
export interface ServerTimeReading {
  readonly serverMs: number;
  readonly monotonicMs: number;
  /** Maximum error of `monotonicMs` in either direction: half of the round trip. */
  readonly uncertaintyMs: number;
}

/**
 * Sends a request whose answer carries the server's time. `reading` is undefined if the server does not report its time.
 *
 *     here    request ───────────────────▶ answer
 *     server             timestamp (ts)
 */
export async function withServerTime<Info extends Pick<StreamInfo, "ts">>(
  clock: Clock,
  request: () => Promise<Info>,
): Promise<{ readonly info: Info; readonly reading: ServerTimeReading | undefined }> {
  const sentMs = clock.monotonicMs();
  const info = await request();
  const uncertaintyMs = (clock.monotonicMs() - sentMs) / 2;
  const serverMs = Date.parse(info.ts ?? "");
  const reading = { serverMs, monotonicMs: sentMs + uncertaintyMs, uncertaintyMs };
  return { info, reading: Number.isNaN(serverMs) ? undefined : reading };
}

/** Sends a request like {@link withServerTime}, and compares the server's time with our wall clock. */
export async function withClockDifference<Info extends Pick<StreamInfo, "ts">>(
  clock: Clock,
  request: () => Promise<Info>,
): Promise<{ readonly info: Info; readonly difference: ClockDifference | undefined }> {
  const startWallMs = clock.wallMs();
  const { info, reading } = await withServerTime(clock, request);
  if (reading === undefined) return { info, difference: undefined };
  const { serverMs, uncertaintyMs } = reading;
  return { info, difference: { offsetMs: serverMs - (startWallMs + uncertaintyMs), uncertaintyMs } };
}
