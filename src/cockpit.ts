import type { DedupKeyEvent } from "../machines/dedup-key.ts";
import type { Clock } from "./clock.ts";
import type { DeadlineQueue } from "./deadline-queue.ts";
import type { ResolvedIdentity } from "./key.ts";
import type { ResolvedReserveOptions } from "./options.ts";
import type { StepDetail } from "./step.ts";

/** What the parts of a flight need of it: what it is about, its time, and ways to tell its machine and its listeners what happened. */
export interface Cockpit {
  readonly identity: ResolvedIdentity;
  readonly how: ResolvedReserveOptions;
  readonly clock: Clock;
  readonly deadlines: DeadlineQueue;
  /** Whether the key is not held yet: nothing runs that trouble could be kept from. */
  readonly isClaiming: boolean;
  send(event: DedupKeyEvent): void;
  report(detail: StepDetail): void;
}
