import { parseHistory } from "../../../history/history-text.ts";
import { Feed } from "../../server/feed.ts";
import { Redaction } from "../../server/redaction.ts";
import type { EventDetail, FeedMessage, SearchResult, StoreHealth } from "../../server/wire.ts";
import { type TracedRun, type TracedViolation, traceOfHistory } from "../../trace/history-reader.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../trace/trace-recorder.ts";
import { isTrace, parseTrace } from "../../trace/trace-text.ts";
import { roundUp } from "./round-up.ts";
import { MAX_POINTS } from "./totals-chart.ts";
import { visibleText } from "./visible-text.ts";

/** A recording has no store that could fail. */
const AVAILABLE: StoreHealth = { state: "available" };

/** A recorded run up to a position. It uses the same feed as a live run. */
export class Playback {
  readonly name: string;
  readonly trace: readonly TraceEvent[];
  /** Guarantees that the run breaks, in the order of the trace. */
  readonly violations: readonly TracedViolation[];
  readonly #bucketMs: number;
  #recorder: TraceRecorder;
  #position = 0;

  constructor(name: string, { trace, violations }: TracedRun) {
    this.name = name;
    this.trace = trace;
    this.violations = violations;
    const lengthMs = timeAt(trace, -1) - timeAt(trace, 0);
    this.#bucketMs = roundUp(Math.max(1, lengthMs / MAX_POINTS));
    this.#recorder = this.#freshRecorder();
  }

  /** Number of events that are shown. */
  get position(): number {
    return this.#position;
  }

  /** The step at which the run is opened: the first violation, or the end. */
  get firstPosition(): number {
    return this.violations[0]?.position ?? this.trace.length;
  }

  /** Returns the violations that the latest step shows. */
  get violationsHere(): readonly TracedViolation[] {
    return this.violations.filter(({ position }) => position === this.#position);
  }

  /** Returns true for an event that shows a violation. */
  isViolation(event: TraceEvent): boolean {
    return this.violations.some(({ position }) => isSame(this.trace[position - 1], event));
  }

  /** Shows the first `position` events, and returns the messages for them. */
  seek(position: number): readonly FeedMessage[] {
    if (position < this.#position) {
      this.#recorder = this.#freshRecorder();
      this.#position = 0;
    }
    for (const event of this.trace.slice(this.#position, position)) this.#recorder.record(event);
    this.#position = position;
    this.#recorder.assess({ nowMs: this.#nowMs, skewMs: 0 });
    const feed = this.#feed();
    const messages: FeedMessage[] = [];
    for (let next = feed.next(); next !== undefined; next = feed.next()) messages.push(next);
    return messages;
  }

  detail(storeKey: string): EventDetail | undefined {
    const trace = this.#recorder.trace.of(storeKey);
    const [first] = trace;
    return first === undefined ? undefined : { identity: first.identity, record: undefined, trace };
  }

  /** Returns the matching events of the run, the most recently active first. */
  find(text: string, limit: number): SearchResult {
    const found = new Map(
      this.trace
        .filter(({ identity }) => identity.eventId.includes(text))
        .map(({ identity }) => [identity.storeKey, identity]),
    );
    const latest = [...found.values()].reverse().slice(0, limit);
    return { events: latest.map((identity) => ({ identity, state: "none" })), incomplete: "" };
  }

  #feed(): Feed {
    const nowMs = this.#nowMs;
    return new Feed(
      {
        recorder: this.#recorder,
        redaction: new Redaction(undefined),
        source: {
          sees: "file",
          name: this.name,
          canChange: false,
          needsToken: false,
          hasDeadLetters: false,
          links: [],
          skewMs: 0,
          bucketMs: this.#bucketMs,
        },
        recordingId: "",
        store: () => AVAILABLE,
        nowMs: () => nowMs,
      },
      undefined,
    );
  }

  get #nowMs(): number {
    return timeAt(this.trace, Math.max(0, this.#position - 1));
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
  const run = isTrace(text) ? { trace: parseTrace(text), violations: [] } : traceOfHistory(parseHistory(text));
  if (run.trace.length === 0) throw new TypeError("The run is empty");
  const violations = run.violations.map(({ guarantee, why, position }) => ({
    guarantee: visibleText(guarantee),
    why: visibleText(why),
    position,
  }));
  const keys = new ShortKeys();
  return new Playback(name, { trace: run.trace.map((event) => visibleEvent(event, keys)), violations });
}

/** A key of a file may have any length. Addresses and elements of the page contain keys. */
const LONGEST_KEY = 500;

/** Replaces very long keys by short ones that stay different. */
class ShortKeys {
  readonly #short = new Map<string, string>();

  of(storeKey: string): string {
    if (storeKey.length <= LONGEST_KEY) return storeKey;
    const short = this.#short.get(storeKey) ?? `${storeKey.slice(0, 40)}…${this.#short.size + 1}`;
    this.#short.set(storeKey, short);
    return short;
  }
}

/** The texts of an opened file are made safe to show, like those of the server. */
function visibleEvent(event: TraceEvent, keys: ShortKeys): TraceEvent {
  const { identity, replica, owner, cause } = event;
  const { workspaceId, subscriptionId, eventId } = identity;
  return {
    ...event,
    identity: {
      storeKey: keys.of(identity.storeKey),
      workspaceId: visibleText(workspaceId),
      subscriptionId: visibleText(subscriptionId),
      eventId: visibleText(eventId),
    },
    replica: visibleText(replica),
    owner: visibleText(owner),
    cause: visibleText(cause),
  };
}

/** The recorder returns copies of the events. */
function isSame(one: TraceEvent | undefined, other: TraceEvent): boolean {
  return (
    one?.type === other.type &&
    one.identity.storeKey === other.identity.storeKey &&
    one.atMs === other.atMs &&
    one.replica === other.replica &&
    one.revision === other.revision
  );
}

/** Returns the time of an event; 0 for an empty trace. */
function timeAt(trace: readonly TraceEvent[], index: number): number {
  return trace.at(index)?.atMs ?? 0;
}
