import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import type { Clock } from "../internal/clock.ts";
import type { TimerQueue } from "../internal/timer-queue.ts";
import type { DedupEventDetail } from "../model/event.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { ResolvedReserveOptions } from "../options.ts";

/** What the parts of a flight need of it: what it is about, its time, and ways to tell its machine and its listeners what happened. */
export interface AttemptContext {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly clock: Clock;
  readonly deadlines: TimerQueue;
  /** Whether the key is not held yet: nothing runs that trouble could be kept from. */
  readonly isClaiming: boolean;
  send(event: DedupKeyEvent): void;
  report(detail: DedupEventDetail): void;
}
