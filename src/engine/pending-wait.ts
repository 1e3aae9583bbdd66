import { abortable } from "../internal/abort.ts";
import { backoffMs } from "../internal/backoff.ts";
import { delay } from "../internal/clock.ts";
import type { ResolvedIdentity } from "../model/identity.ts";
import type { Attempt } from "./attempt.ts";
import type { ClaimResult } from "./attempt-promises.ts";
import type { EngineContext } from "./engine-context.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";

const POLLS = { firstMs: 50, longestMs: 1_000 };
/** A watch may begin late, or end unnoticed. So a watched key is still claimed now and then. */
const WATCHED_POLLS = { firstMs: 50, longestMs: 5_000 };

/**
 * One call with `onPending: "wait"`: waits for the holder of its key, for `waitMs` in all. It is woken when the holder's attempt in
 * this process settles, or when the store reports that the key has changed. Otherwise it claims the key again after a pause.
 */
export class PendingWait {
  readonly #context: EngineContext;
  readonly #identity: ResolvedIdentity;
  readonly #how: ResolvedReserveOptions;
  readonly #closing: AbortSignal;
  readonly #over = new AbortController();
  readonly #endsAtMs: number;
  /** Aborts when the key has changed since the last pause. */
  #changed = new AbortController();
  #watch: "none" | "open" | "ended" = "none";
  #polls = 0;

  constructor(context: EngineContext, identity: ResolvedIdentity, how: ResolvedReserveOptions, closing: AbortSignal) {
    this.#context = context;
    this.#identity = identity;
    this.#how = how;
    this.#closing = closing;
    this.#endsAtMs = context.nowMs + how.waitMs;
  }

  get isOver(): boolean {
    return this.#leftMs <= 0;
  }

  /** Returns the result of a claim that another call began, or `undefined` if the time is over first. */
  async resultOf(attempt: Attempt): Promise<ClaimResult | undefined> {
    const timeout = new AbortController();
    const cancel = this.#context.options.clock.schedule(Math.max(0, this.#leftMs), () => timeout.abort());
    try {
      return await abortable(abortable(attempt.promises.claimed, this.#how.signal), timeout.signal);
    } catch (error) {
      if (timeout.signal.aborted && error === timeout.signal.reason) return undefined;
      throw error;
    } finally {
      cancel();
    }
  }

  /** Resolves when another claim is due, after `longestMs` at the latest. */
  async pause(holder: Attempt | "another replica", longestMs: number): Promise<void> {
    if (holder === "another replica" && this.#watch === "none") void this.#followKey();
    this.#polls += 1;
    const pollMs = backoffMs(this.#polls, this.#watch === "open" ? WATCHED_POLLS : POLLS);
    const settled = holder === "another replica" || holder.isSettled ? undefined : holder.promises.settledSignal;
    const wakes = [settled, this.#changed.signal, this.#how.signal, this.#closing];
    await delay(this.#context.options.clock, Math.min(pollMs, longestMs, Math.max(0, this.#leftMs)), wakes);
    if (!this.#changed.signal.aborted) return;
    this.#changed = new AbortController();
    this.#polls = 0;
  }

  end(): void {
    this.#over.abort();
  }

  /** A watch only wakes the call: what it reports decides nothing. */
  async #followKey(): Promise<void> {
    const { workspaceId, subscriptionId, eventId } = this.#identity;
    const filter = { workspaceId, subscriptionId, eventId };
    try {
      const changes = this.#context.store.watch(filter, this.#over.signal);
      if (changes !== undefined) this.#watch = "open";
      for await (const change of changes ?? []) {
        // While a reservation is renewed, or another one follows it, there is nothing to claim.
        if (change.type === "removed" || change.entry.record.state === "committed") this.#changed.abort();
      }
    } catch {
      // Without a watch, the call polls.
    }
    this.#watch = "ended";
  }

  get #leftMs(): number {
    return this.#endsAtMs - this.#context.nowMs;
  }
}
