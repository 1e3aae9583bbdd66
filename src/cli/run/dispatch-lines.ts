import type { Deduplicator } from "../../deduplicator.ts";
import { sleep } from "../../internal/clock.ts";
import type { Reservation } from "../../model/decision.ts";
import { payloadFingerprint } from "../../model/identify/payload-fingerprint.ts";
import { dedupKey } from "../../model/identity.ts";
import { dispatchEvent, failureOf, isWorthRetrying, type RunDispatch } from "./dispatcher.ts";
import type { IncomingEvent } from "./event/incoming-event.ts";
import type { Selection } from "./event/read-event.ts";
import { readEvent } from "./event/read-event.ts";
import type { EventFailure } from "./failure.ts";
import type { InputLine } from "./input/lines.ts";
import type { Input } from "./input/open-input.ts";
import type { EventResult, LineResult } from "./report/line-results.ts";
import { retryDelayMs } from "./retry-delay.ts";

export interface DispatchLinesOptions extends RunDispatch {
  readonly dedup: Deduplicator;
  readonly workspaceId: string;
  /** Maximum number of lines in flight, and in memory. */
  readonly concurrency: number;
  /** Maximum number of dispatches of an event. */
  readonly attempts: number;
  readonly random: () => number;
  readonly selection?: Selection;
  /** Aborts running dispatches. */
  readonly abort: AbortSignal;
  /** Ends the pauses between attempts and the waiting for pending events. Running dispatches continue. */
  readonly drain: AbortSignal;
  readonly onResult: (result: LineResult) => Promise<void>;
  /** Receives long pauses before a retry. */
  readonly onPause?: (pause: Pause) => void;
}

/** A pause before a retry. */
export interface Pause {
  readonly line: number;
  readonly event: IncomingEvent;
  readonly failure: EventFailure;
  readonly delayMs: number;
}

/** Pauses of at least this time are reported, in milliseconds. */
const LONG_PAUSE_MS = 5_000;

/** Dispatches all lines concurrently. Each line gets one result. */
export async function dispatchLines(
  input: Pick<Input, "lines" | "stop">,
  options: DispatchLinesOptions,
): Promise<void> {
  let hasFailed = false;
  const workers = Array.from({ length: options.concurrency }, async () => {
    try {
      for (;;) {
        const { done, value: line } = await input.lines.next();
        // After an interruption, the last line may be incomplete.
        if (done === true || options.drain.aborted || hasFailed) return;
        await options.onResult(await dispatchLine(line, options));
      }
    } catch (error) {
      // The error affects every line: starts nothing more, and awaits running dispatches.
      hasFailed = true;
      input.stop();
      throw error;
    }
  });
  const ended = await Promise.allSettled(workers);
  for (const worker of ended) if (worker.status === "rejected") throw worker.reason;
}

async function dispatchLine(line: InputLine, options: DispatchLinesOptions): Promise<LineResult> {
  const reading =
    "bytes" in line
      ? readEvent(line.bytes, options.selection)
      : ({ problem: "too-long", bytes: line.tooLongBytes } as const);
  if ("problem" in reading) return { outcome: "unreadable", line: line.number, problem: reading };
  const { event } = reading;
  const { eventId } = event;
  const key = dedupKey(options.subscriptionId, eventId);
  const ending = await settleEvent(event, line.number, options);
  return { line: line.number, eventId, type: event.attributes["type"] ?? "", key, ...ending };
}

async function settleEvent(event: IncomingEvent, line: number, options: DispatchLinesOptions): Promise<EventResult> {
  const { clock, drain, random } = options;
  for (let attempts = 1; ; attempts += 1) {
    const ending = await tryEvent(event, attempts, options);
    if (ending.outcome !== "failed" || !isWorthRetrying(ending.failure) || attempts === options.attempts) return ending;
    const retryAfterMs = "retryAfterMs" in ending.failure ? ending.failure.retryAfterMs : 0;
    const delayMs = retryDelayMs(attempts, random, retryAfterMs);
    if (delayMs >= LONG_PAUSE_MS) options.onPause?.({ line, event, failure: ending.failure, delayMs });
    try {
      await sleep(clock, delayMs, drain);
    } catch {
      return ending;
    }
  }
}

async function tryEvent(event: IncomingEvent, attempts: number, options: DispatchLinesOptions): Promise<EventResult> {
  const { dedup, drain, abort, clock, workspaceId, subscriptionId } = options;
  const identity = { workspaceId, subscriptionId, eventId: event.eventId };
  const fingerprint = payloadFingerprint(event.body);
  const handler = (reservation: Reservation): Promise<void> => dispatchEvent(event, reservation, abort, options);
  try {
    for (;;) {
      drain.throwIfAborted();
      const outcome = await dedup.guard(identity, handler, {
        ...{ onPending: "wait", signal: drain, attempt: attempts, fingerprint },
      });
      if (outcome.outcome === "dispatched") return { outcome: "dispatched", commit: outcome.commit, attempts };
      if (outcome.outcome === "duplicate") return { outcome: "duplicate" };
      await sleep(clock, outcome.retryAfterMs, drain);
    }
  } catch (error) {
    if (drain.aborted && error === drain.reason) return { outcome: "unfinished", attempts: attempts - 1 };
    const failure = failureOf(error);
    if (failure.failure === "aborted" && abort.aborted) return { outcome: "unfinished", attempts };
    return { outcome: "failed", failure, attempts };
  }
}
