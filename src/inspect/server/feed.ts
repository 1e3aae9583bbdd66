import type { Attempt } from "../trace/attempt.ts";
import type { TraceRecorder } from "../trace/recorder.ts";
import type { Redaction } from "./redaction.ts";
import type { Message, Overview, ShownAttempt, SourceInfo } from "./wire.ts";

/** What is recorded, and how it may be shown. */
export interface Recording {
  readonly recorder: TraceRecorder;
  readonly redaction: Redaction;
  readonly source: SourceInfo;
  /** Tells this recording from that of another process. */
  readonly epoch: string;
  /** Why the store cannot be watched at the moment; empty when it can. */
  trouble(): string;
  nowMs(): number;
}

/** So many steps are told in one message; of more, the latest. */
const MOST_STEPS = 100;
/** So many flights are told in one message. */
const CHUNK = 1_000;

/** How far a reader of a recording has come. */
interface Position {
  readonly steps: number;
  readonly flights: number;
  readonly notices: number;
  readonly nowMs: number;
  readonly trouble: string;
}

/**
 * What one reader of a recording is told next. Nothing piles up for it, whose place is all that is kept: a reader that is slow is told
 * what changed meanwhile, as it is by then; and one that is so slow that this is forgotten begins anew.
 */
export class Feed {
  readonly #recording: Recording;
  #position: Position | undefined;
  /** What is still to be told of the flights of the last message, which had too many of them. */
  #backlog: Iterator<Attempt, unknown> | undefined;

  /** @param lastId the id of the last message that the reader had from this recording, if it comes back. */
  constructor(recording: Recording, lastId: string | undefined) {
    this.#recording = recording;
    this.#position = lastId === undefined ? undefined : positionOf(lastId, recording.epoch);
  }

  /** Names the position of the reader, so that it can come back to it; `undefined` while it has not been told everything. */
  get id(): string | undefined {
    if (this.#position === undefined || this.#backlog !== undefined) return undefined;
    const { steps, flights, notices, nowMs } = this.#position;
    return [this.#recording.epoch, steps, flights, notices, Math.max(0, Math.floor(nowMs))].join("-");
  }

  /** The next message; `undefined` when there is nothing new. */
  next(): Message | undefined {
    const { recorder } = this.#recording;
    const position = this.#position;
    if (position === undefined) return this.#begin();
    if (this.#backlog !== undefined) return { type: "update", gone: [], ...this.#chunk(this.#backlog) };
    const changes = recorder.flights.changesSince(position.flights);
    if (changes === undefined || !recorder.steps.reaches(position.steps)) return this.#begin();
    const here = this.#here();
    const isNew = here.steps > position.steps || here.trouble !== position.trouble;
    if (!isNew) return undefined;
    this.#position = here;
    const overview = this.#overview(position);
    return { type: "update", overview, gone: changes.gone, ...this.#chunk(changes.set[Symbol.iterator]()) };
  }

  #begin(): Message {
    const { version, flights } = this.#recording.recorder.flights.standing();
    this.#position = { ...this.#here(), flights: version };
    this.#backlog = flights[Symbol.iterator]();
    return { type: "begin", source: this.#recording.source, overview: this.#overview(undefined) };
  }

  /** The next of the flights that are to be told, as they are now. */
  #chunk(flightsToTell: Iterator<Attempt, unknown>): {
    readonly flights: readonly ShownAttempt[];
    readonly more: boolean;
  } {
    const flights: ShownAttempt[] = [];
    for (;;) {
      if (flights.length === CHUNK) {
        this.#backlog = flightsToTell;
        return { flights, more: true };
      }
      const next = flightsToTell.next();
      if (next.done === true) {
        this.#backlog = undefined;
        return { flights, more: false };
      }
      flights.push(this.#recording.redaction.flight(next.value));
    }
  }

  #overview(since: Position | undefined): Overview {
    const { recorder, redaction } = this.#recording;
    const { steps, series, attention } = recorder;
    const { nowMs, trouble } = this.#here();
    const from = Math.max(since?.steps ?? 0, steps.last - MOST_STEPS);
    const notices = attention.version === since?.notices ? undefined : [...attention];
    return {
      nowMs,
      totals: recorder.totals,
      transitions: Object.fromEntries(recorder.lifecycle.counts),
      points: series.since(since?.nowMs ?? Number.NEGATIVE_INFINITY),
      steps: [...steps.after(from)].map((step) => redaction.step(step)),
      ...(notices === undefined ? {} : { notices: notices.map((notice) => redaction.notice(notice)) }),
      trouble: redaction.cause(trouble),
    };
  }

  #here(): Position {
    const { recorder } = this.#recording;
    return {
      steps: recorder.steps.last,
      flights: recorder.flights.version,
      notices: recorder.attention.version,
      nowMs: this.#recording.nowMs(),
      trouble: this.#recording.trouble(),
    };
  }
}

/** The position that an id names; `undefined` for that of another recording. */
function positionOf(id: string, epoch: string): Position | undefined {
  const [, of, ...numbers] = /^(\w+)-(\d+)-(\d+)-(\d+)-(\d+)$/.exec(id) ?? [];
  const [steps = 0, flights = 0, notices = 0, nowMs = 0] = numbers.map(Number);
  return of === epoch ? { steps, flights, notices, nowMs, trouble: "" } : undefined;
}
