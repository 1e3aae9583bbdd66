import type { ConsumerInfo } from "@nats-io/jetstream";
import type { Clock } from "../../internal/clock.ts";
import { withServerTime } from "../wire/server-clock.ts";

/**
 * Wall-clock time of the server that leads a consumer. Each of its answers sets it, and the monotonic clock of this process continues
 * it: a wrong wall clock here, or one that is set, changes nothing. It is wrong by half of the request's round trip at most.
 */
export class ServerTime {
  readonly #clock: Clock;
  /** Added to the monotonic time. */
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Returns the answer of the request, and takes over its time. */
  async read(request: () => Promise<ConsumerInfo>): Promise<ConsumerInfo> {
    const { info, reading } = await withServerTime(this.#clock, request);
    if (reading !== undefined) this.#offsetMs = reading.serverMs - reading.monotonicMs;
    return info;
  }

  /** Returns the server's time in milliseconds since 1970; that of this process before the first answer. */
  nowMs(): number {
    return this.#clock.monotonicMs() + this.#offsetMs;
  }
}
