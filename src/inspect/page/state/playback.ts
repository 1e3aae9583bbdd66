import { parseHistory } from "../../../history/history-text.ts";
import { Feed } from "../../server/feed.ts";
import { Redaction } from "../../server/redaction.ts";
import type { EventDetail, Message } from "../../server/wire.ts";
import { traceOfHistory } from "../../trace/history-reader.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../trace/trace-recorder.ts";
import { isTrace, parseTrace } from "../../trace/trace-text.ts";
import { MAX_POINTS } from "./totals-chart.ts";

/** A recorded run up to a position. It uses the same feed as a live run. */
export class Playback {
  readonly name: string;
  readonly trace: readonly TraceEvent[];
  readonly #bucketMs: number;
  #recorder: TraceRecorder;
  #position = 0;

  constructor(name: string, trace: readonly TraceEvent[]) {
    this.name = name;
    this.trace = trace;
    const lengthMs = (trace.at(-1)?.atMs ?? 0) - (trace[0]?.atMs ?? 0);
    this.#bucketMs = roundDuration(lengthMs / MAX_POINTS);
    this.#recorder = this.#freshRecorder();
  }

  /** Number of events that are shown. */
  get position(): number {
    return this.#position;
  }

  /** Shows the first `position` events, and returns the messages for them. */
  seek(position: number): readonly Message[] {
    if (position < this.#position) {
      this.#recorder = this.#freshRecorder();
      this.#position = 0;
    }
    for (const event of this.trace.slice(this.#position, position)) this.#recorder.record(event);
    this.#position = position;
    const feed = this.#feed();
    const messages: Message[] = [];
    for (let next = feed.next(); next !== undefined; next = feed.next()) messages.push(next);
    return messages;
  }

  detail(storeKey: string): EventDetail | undefined {
    const trace = this.#recorder.trace.of(storeKey);
    const [first] = trace;
    return first === undefined ? undefined : { identity: first.identity, holds: undefined, trace };
  }

  /** Returns the matching events of the run, the most recently active first. */
  find(text: string, limit: number): readonly TraceEvent["identity"][] {
    const found = new Map(
      this.trace
        .filter(({ identity }) => identity.eventId.includes(text))
        .map(({ identity }) => [identity.storeKey, identity]),
    );
    return [...found.values()].reverse().slice(0, limit);
  }

  #feed(): Feed {
    const nowMs = this.trace[Math.max(0, this.#position - 1)]?.atMs ?? 0;
    return new Feed(
      {
        recorder: this.#recorder,
        redaction: new Redaction(undefined),
        source: { sees: "file", name: this.name, canChange: false, skewMs: 0, bucketMs: this.#bucketMs },
        epoch: "",
        trouble: () => "",
        nowMs: () => nowMs,
      },
      undefined,
    );
  }

  #freshRecorder(): TraceRecorder {
    // The recorder adds an event for each lapsed lease.
    const trace = Math.max(1, 2 * this.trace.length);
    return new TraceRecorder({ ...DEFAULT_LIMITS, trace, bucketMs: this.#bucketMs });
  }
}

/**
 * Reads a file: a saved recording, or a history of the testing kit.
 * @throws {TypeError} that names the unreadable line and the reason.
 */
export function readRecording(name: string, text: string): Playback {
  const trace = isTrace(text) ? parseTrace(text) : traceOfHistory(parseHistory(text));
  if (trace.length === 0) throw new TypeError("The run is empty");
  return new Playback(name, trace);
}

/** Rounds a duration up to 1, 2 or 5 times a power of ten. */
function roundDuration(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((rounded) => rounded >= ms) ?? 1;
}
