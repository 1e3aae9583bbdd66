import type { TracedAttempt } from "../trace/attempt.ts";
import type { TraceRecorder } from "../trace/trace-recorder.ts";
import type { Redaction } from "./redaction.ts";
import type { FeedMessage, Overview, ShownAttempt, SourceInfo, StoreHealth } from "./wire.ts";

/** A recording, and how to show it. */
export interface Recording {
  readonly recorder: TraceRecorder;
  readonly redaction: Redaction;
  readonly source: SourceInfo;
  /** Distinguishes this recording from that of another process. */
  readonly recordingId: string;
  /** Returns the same object until the health changes. */
  store(): StoreHealth;
  nowMs(): number;
}

/** Maximum number of trace events in a message. Older events are omitted. */
const TRACE_LIMIT = 100;
/** Maximum number of attempts in a message. */
const CHUNK = 1_000;

/** Position of a reader in a recording. */
interface Position {
  readonly trace: number;
  readonly attempts: number;
  readonly notices: number;
  readonly nowMs: number;
  readonly store: StoreHealth | undefined;
}

/**
 * Creates the messages for one reader. Only the reader's position is stored, so a slow reader costs no memory. It receives the
 * latest state, and starts from scratch if the changes since its position are forgotten.
 */
export class Feed {
  readonly #recording: Recording;
  #position: Position | undefined;
  /** Attempts that did not fit into the last message. */
  #backlog: Iterator<TracedAttempt, unknown> | undefined;

  /** @param lastId id of the reader's last message, if it reconnects. */
  constructor(recording: Recording, lastId: string | undefined) {
    this.#recording = recording;
    this.#position = lastId === undefined ? undefined : parsePosition(lastId, recording.recordingId);
  }

  /** Id from which the reader can resume, or `undefined` while attempts are pending. */
  get id(): string | undefined {
    if (this.#position === undefined || this.#backlog !== undefined) return undefined;
    const { trace, attempts, notices, nowMs } = this.#position;
    return [this.#recording.recordingId, trace, attempts, notices, Math.max(0, Math.floor(nowMs))].join("-");
  }

  /** Returns the next message, or `undefined` if nothing changed. */
  next(): FeedMessage | undefined {
    const { recorder } = this.#recording;
    const position = this.#position;
    if (position === undefined) return this.#begin();
    if (this.#backlog !== undefined) return { type: "update", gone: [], ...this.#chunk(this.#backlog) };
    const changes = recorder.attempts.changesSince(position.attempts);
    if (changes === undefined || !recorder.trace.reaches(position.trace)) return this.#begin();
    const current = this.#currentPosition();
    const hasChanged =
      current.trace > position.trace ||
      current.attempts > position.attempts ||
      current.notices !== position.notices ||
      current.store !== position.store;
    if (!hasChanged) return undefined;
    this.#position = current;
    const overview = this.#overview(position);
    return { type: "update", overview, gone: changes.gone, ...this.#chunk(changes.set[Symbol.iterator]()) };
  }

  #begin(): FeedMessage {
    const { version, attempts } = this.#recording.recorder.attempts.snapshot();
    this.#position = { ...this.#currentPosition(), attempts: version };
    this.#backlog = attempts[Symbol.iterator]();
    return { type: "begin", source: this.#recording.source, overview: this.#overview(undefined) };
  }

  /** Takes attempts for one message, in their current state. */
  #chunk(remaining: Iterator<TracedAttempt, unknown>): {
    readonly attempts: readonly ShownAttempt[];
    readonly more: boolean;
  } {
    const attempts: ShownAttempt[] = [];
    for (;;) {
      if (attempts.length === CHUNK) {
        this.#backlog = remaining;
        return { attempts, more: true };
      }
      const next = remaining.next();
      if (next.done === true) {
        this.#backlog = undefined;
        return { attempts, more: false };
      }
      attempts.push(this.#recording.redaction.attempt(next.value));
    }
  }

  #overview(since: Position | undefined): Overview {
    const { recorder, redaction } = this.#recording;
    const { trace, series, notices: noticeLog } = recorder;
    const { nowMs } = this.#currentPosition();
    const from = Math.max(since?.trace ?? 0, trace.last - TRACE_LIMIT);
    const notices = noticeLog.version === since?.notices ? undefined : [...noticeLog];
    return {
      nowMs,
      totals: recorder.totals,
      transitions: Object.fromEntries(recorder.lifecycle.counts),
      points: series.since(since?.nowMs ?? Number.NEGATIVE_INFINITY),
      trace: [...trace.after(from)].map((event) => redaction.event(event)),
      ...(notices === undefined ? {} : { notices: notices.map((notice) => redaction.notice(notice)) }),
      store: redaction.health(this.#recording.store()),
    };
  }

  #currentPosition(): Position {
    const { recorder } = this.#recording;
    return {
      trace: recorder.trace.last,
      attempts: recorder.attempts.version,
      notices: recorder.notices.version,
      nowMs: this.#recording.nowMs(),
      store: this.#recording.store(),
    };
  }
}

/** Returns the position in an id, or `undefined` for the id of another recording. */
function parsePosition(id: string, recordingId: string): Position | undefined {
  const [, of, ...numbers] = /^(\w+)-(\d+)-(\d+)-(\d+)-(\d+)$/.exec(id) ?? [];
  const [trace = 0, attempts = 0, notices = 0, nowMs = 0] = numbers.map(Number);
  return of === recordingId ? { trace, attempts, notices, nowMs, store: undefined } : undefined;
}
