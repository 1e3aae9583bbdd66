import { parseHistory } from "../../../history/history-text.ts";
import { Feed } from "../../server/feed.ts";
import { Redaction } from "../../server/redaction.ts";
import type { EventDetail, Message } from "../../server/wire.ts";
import { stepsOfHistory } from "../../trace/history-reader.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../trace/recorder.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import { isTrace, parseTrace } from "../../trace/trace-text.ts";
import { MANY_POINTS } from "./totals-chart.ts";

/** A run that was recorded, as far as one has come in it. Shown by the very feed that shows a live one. */
export class Playback {
  readonly name: string;
  readonly steps: readonly TraceEvent[];
  readonly #bucketMs: number;
  #recorder: TraceRecorder;
  #position = 0;

  constructor(name: string, steps: readonly TraceEvent[]) {
    this.name = name;
    this.steps = steps;
    const lengthMs = (steps.at(-1)?.atMs ?? 0) - (steps[0]?.atMs ?? 0);
    this.#bucketMs = roundStretch(lengthMs / MANY_POINTS);
    this.#recorder = this.#freshRecorder();
  }

  /** How many of the steps are shown. */
  get position(): number {
    return this.#position;
  }

  /** Shows the first `position` steps, and gives all there is to tell of them. */
  seek(position: number): readonly Message[] {
    if (position < this.#position) {
      this.#recorder = this.#freshRecorder();
      this.#position = 0;
    }
    for (const step of this.steps.slice(this.#position, position)) this.#recorder.record(step);
    this.#position = position;
    const feed = this.#feed();
    const messages: Message[] = [];
    for (let next = feed.next(); next !== undefined; next = feed.next()) messages.push(next);
    return messages;
  }

  detail(storeKey: string): EventDetail | undefined {
    const steps = this.#recorder.steps.of(storeKey);
    const [first] = steps;
    return first === undefined ? undefined : { identity: first.identity, holds: undefined, steps };
  }

  /** The events of the run that match, those that something happened to last first. */
  find(text: string, most: number): readonly TraceEvent["identity"][] {
    const found = new Map(
      this.steps
        .filter(({ identity }) => identity.eventId.includes(text))
        .map(({ identity }) => [identity.storeKey, identity]),
    );
    return [...found.values()].reverse().slice(0, most);
  }

  #feed(): Feed {
    const nowMs = this.steps[Math.max(0, this.#position - 1)]?.atMs ?? 0;
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
    // A lease that was given up is a step as well.
    const steps = Math.max(1, 2 * this.steps.length);
    return new TraceRecorder({ ...DEFAULT_LIMITS, steps, bucketMs: this.#bucketMs });
  }
}

/**
 * Reads a file: a saved recording, or a history of the testing kit.
 * @throws {Error} that says which line cannot be read, and why.
 */
export function readRecording(name: string, text: string): Playback {
  const steps = isTrace(text) ? parseTrace(text) : stepsOfHistory(parseHistory(text));
  if (steps.length === 0) throw new TypeError("It holds no step: nothing happened in that run");
  return new Playback(name, steps);
}

/** A length of time that reads well: 1, 2 or 5 of a power of ten. */
function roundStretch(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((stretch) => stretch >= ms) ?? 1;
}
