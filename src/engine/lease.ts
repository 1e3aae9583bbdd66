import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

const RENEWALS_PER_LEASE = 3;

/**
 * The lease of one reservation, measured on the holder's clock. It starts before the write that begins it is *first* sent, however
 * often that write is repeated. So it always ends here before the store ends it.
 */
export class Lease {
  readonly #context: AttemptContext;
  /** Time at which the write that begins the next lease was first sent; `undefined` if none is in flight or in doubt. */
  #sentAtMs: number | undefined;
  /** Epoch of clears before that write was first sent. */
  #sentEpoch: number | undefined;
  #fromMs: number | undefined;
  #epoch: number | undefined;
  #end: Timer | undefined;
  #renewal: Timer | undefined;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** Notes that a write which begins a lease is being sent. A repeated write begins the same lease as one that is in doubt. */
  writeSent(write: "new" | "repeated", nowMs: number): void {
    if (write === "repeated" && this.#sentAtMs !== undefined) return;
    this.#sentAtMs = nowMs;
    this.#sentEpoch = this.#context.engine.clears.last();
  }

  /** True while the result of a write is unknown. */
  get isInDoubt(): boolean {
    return this.#sentAtMs !== undefined;
  }

  /** True if the lease that the last write begins has already ended. */
  get isLate(): boolean {
    return this.#sentAtMs !== undefined && this.#nowMs >= this.#sentAtMs + this.#context.how.leaseMs;
  }

  /** Last known epoch of clears before the write that began the lease: a clear of this reservation is a later one. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Time to wait for the answer to a renewal: half of what is left, so that a lost one can be repeated in time. */
  get renewalTimeoutMs(): number {
    const isRunning = this.#end !== undefined || this.#renewal !== undefined;
    return isRunning ? this.leftMs / 2 : this.#context.how.leaseMs;
  }

  /** Time until the lease ends without renewal, in milliseconds. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - this.#nowMs);
  }

  /** Begins the lease, because its write was acknowledged. Returns whether it is the first lease or a renewed one. */
  begin(): "first" | "renewed" {
    const which = this.#fromMs === undefined ? "first" : "renewed";
    this.#fromMs = this.#sentAtMs ?? this.#nowMs;
    this.#epoch = this.#sentEpoch;
    this.#sentAtMs = undefined;
    this.stop();
    const { engine, how } = this.#context;
    if (engine.options.renew) this.#renewAt(this.#fromMs + how.leaseMs / RENEWALS_PER_LEASE);
    else this.#armEnd();
    return which;
  }

  renewIn(pauseMs: number): void {
    this.#renewAt(this.#nowMs + pauseMs);
  }

  stop(): void {
    this.#end?.cancel();
    this.#renewal?.cancel();
    this.#end = undefined;
    this.#renewal = undefined;
  }

  /** Arms the end together with the first renewal: most dispatches end sooner, and need one timer. */
  #renewAt(atMs: number): void {
    this.#renewal?.cancel();
    this.#renewal = this.#context.engine.timers.addFor(this, atMs, Lease.#renewalDue);
  }

  static #renewalDue(lease: Lease): void {
    if (lease.#end === undefined) lease.#armEnd();
    if (lease.#nowMs < lease.#endsAtMs) lease.#context.actor.send({ type: "renewal.due" });
  }

  #armEnd(): void {
    const { actor, engine } = this.#context;
    this.#end = engine.timers.add(this.#endsAtMs, () => actor.send({ type: "lease.ended" }));
  }

  get #endsAtMs(): number {
    return (this.#fromMs ?? this.#nowMs) + this.#context.how.leaseMs;
  }

  get #nowMs(): number {
    return this.#context.engine.nowMs;
  }
}
