import type { Deduplicator } from "../../deduplicator.ts";
import { sleep } from "../../internal/clock.ts";
import type { Reservation } from "../../model/decision.ts";
import { dedupKey } from "../../model/identity.ts";
import { backoffMs } from "./backoff.ts";
import { type Dispatcher, dispatchEvent, failureOf, isWorthRetrying } from "./dispatcher.ts";
import { type IncomingEvent, readEvent } from "./incoming.ts";
import type { Input } from "./input.ts";
import type { Line } from "./lines.ts";
import type { EventEnding, LineResult } from "./results.ts";

export interface DispatchLinesOptions extends Dispatcher {
  readonly dedup: Deduplicator;
  readonly workspaceId: string;
  /** How many lines are worked on at once; no more than these are in memory. */
  readonly concurrency: number;
  /** How often a line is tried before its event counts as failed. */
  readonly attempts: number;
  readonly random: () => number;
  /** Aborts what runs. */
  readonly abort: AbortSignal;
  /** Ends the waiting between tries and for another dispatch of the same event; what runs goes on. */
  readonly drain: AbortSignal;
  readonly onResult: (result: LineResult) => Promise<void>;
}

/** Works on all lines, several at once; each gets one result. */
export async function dispatchLines(
  input: Pick<Input, "lines" | "stop">,
  options: DispatchLinesOptions,
): Promise<void> {
  let hasBroken = false;
  const workers = Array.from({ length: options.concurrency }, async () => {
    try {
      for (;;) {
        const { done, value: line } = await input.lines.next();
        // Where the reading was ended, what came last may be half a line.
        if (done === true || options.drain.aborted || hasBroken) return;
        await options.onResult(await dispatchLine(line, options));
      }
    } catch (error) {
      // What breaks one would break all: nothing more is begun, and what runs is waited for.
      hasBroken = true;
      input.stop();
      throw error;
    }
  });
  const ended = await Promise.allSettled(workers);
  for (const worker of ended) if (worker.status === "rejected") throw worker.reason;
}

async function dispatchLine(line: Line, options: DispatchLinesOptions): Promise<LineResult> {
  const reading =
    "bytes" in line ? readEvent(line.bytes) : ({ problem: "too-long", bytes: line.tooLongBytes } as const);
  if ("problem" in reading) return { outcome: "unreadable", line: line.number, problem: reading };
  const { event } = reading;
  const { eventId } = event;
  const key = dedupKey(options.subscriptionId, eventId);
  const ending = await settleEvent(event, options);
  return { line: line.number, eventId, type: event.attributes["type"] ?? "", key, ...ending };
}

async function settleEvent(event: IncomingEvent, options: DispatchLinesOptions): Promise<EventEnding> {
  const { clock, drain, random } = options;
  for (let tries = 1; ; tries += 1) {
    const ending = await tryEvent(event, tries, options);
    if (ending.outcome !== "failed" || !isWorthRetrying(ending.failure) || tries === options.attempts) return ending;
    const askedMs = "retryAfterMs" in ending.failure ? ending.failure.retryAfterMs : 0;
    try {
      await sleep(clock, backoffMs(tries, random, askedMs), drain);
    } catch {
      return ending;
    }
  }
}

async function tryEvent(event: IncomingEvent, tries: number, options: DispatchLinesOptions): Promise<EventEnding> {
  const { dedup, drain, abort, clock, workspaceId, subscriptionId } = options;
  const identity = { workspaceId, subscriptionId, eventId: event.eventId };
  const handler = (reservation: Reservation): Promise<void> => dispatchEvent(event, reservation, abort, options);
  try {
    for (;;) {
      drain.throwIfAborted();
      const outcome = await dedup.guard(identity, handler, { onPending: "wait", signal: drain, attempt: tries });
      if (outcome.outcome === "dispatched") return { outcome: "dispatched", commit: outcome.commit, tries };
      if (outcome.outcome === "duplicate") return { outcome: "duplicate" };
      await sleep(clock, outcome.retryAfterMs, drain);
    }
  } catch (error) {
    if (drain.aborted && error === drain.reason) return { outcome: "left", tries: tries - 1 };
    const failure = failureOf(error);
    if (failure.failure === "aborted" && abort.aborted) return { outcome: "left", tries };
    return { outcome: "failed", failure, tries };
  }
}
