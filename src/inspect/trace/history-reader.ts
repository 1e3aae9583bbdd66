import type { Answered, History, HistoryLine, Invoked, SeenLine } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { type RecordChange, StoreReader } from "./store-reader.ts";
import type { KeyedIdentity, TraceEvent, TraceType } from "./trace-event.ts";

/** A violation that was recorded with the run, at its place in the trace. */
export interface TracedViolation {
  readonly guarantee: string;
  readonly why: string;
  /** Number of events up to the line that shows it, at least 1. */
  readonly position: number;
}

/** The trace of a run, and what the run breaks. */
export interface TracedRun {
  readonly trace: readonly TraceEvent[];
  /** Violations in the order of the trace. */
  readonly violations: readonly TracedViolation[];
}

/** Returns the trace of a recorded or simulated run: in the order of its lines, or of time if several recorders wrote it. */
export function traceOfHistory(history: History): TracedRun {
  const lines = history.filter((line) => line.type !== "history");
  if (lines.length < history.length - 1) lines.sort((one, other) => one.atMs - other.atMs);
  const reader = new HistoryReader(lines);
  const trace: TraceEvent[] = [];
  const positions = new Map<HistoryLine, number>();
  for (const line of lines) {
    trace.push(...reader.read(line));
    positions.set(line, trace.length);
  }
  const [header] = history;
  const recorded = header?.type === "history" ? (header.violations ?? []) : [];
  const violations = recorded.flatMap(({ guarantee, line, why }) => {
    const shows = history[line - 1];
    const position = shows === undefined ? undefined : positions.get(shows);
    return position === undefined ? [] : [{ guarantee, why, position: Math.max(1, position) }];
  });
  return { trace, violations: violations.sort((one, other) => one.position - other.position) };
}

/** A line that waits for the line that ends it. */
interface Begun<Line> {
  readonly line: Line;
  readonly atMs: number;
}

class HistoryReader {
  readonly #store: StoreReader;
  readonly #events: ReadonlyMap<string, KeyedIdentity>;
  /** True if the store's records were recorded. Otherwise its answers are used instead. */
  readonly #isStoreRecorded: boolean;
  readonly #effects = new Map<string, Begun<{ readonly fence: number }>>();
  readonly #operations = new Map<string, Begun<Invoked>>();
  /** The events that each process received and has not answered. */
  readonly #unanswered = new Map<string, Set<string>>();

  constructor(lines: readonly SeenLine[]) {
    this.#store = new StoreReader(lines.length + 1);
    this.#events = eventsOf(lines);
    this.#isStoreRecorded = lines.some((line) => line.type === "store.held" && "record" in line);
  }

  read(line: SeenLine): readonly TraceEvent[] {
    const { process, atMs } = line;
    switch (line.type) {
      case "delivered":
        this.#unansweredOf(process).add(line.event);
        return [this.#traced("delivered", line, line.event, { attempt: line.delivery })];
      case "answered":
        this.#unansweredOf(process).delete(line.event);
        return [this.#traced(answerType(line), line, line.event, { attempt: line.delivery, ...answerDetail(line) })];
      case "effect.began":
        this.#unansweredOf(process).add(line.event);
        this.#effects.set(`${process} ${line.effect}`, { line, atMs });
        return [this.#traced("began", line, line.event, { fence: line.fence, cause: line.name })];
      case "effect.aborted":
        return [this.#traced("expired", line, line.event, { cause: "aborted" })];
      case "effect.ended": {
        const begun = this.#effects.get(`${process} ${line.effect}`);
        const detail = begun === undefined ? {} : { fence: begun.line.fence, durationMs: atMs - begun.atMs };
        return [this.#traced(line.failed ? "failed" : "dispatched", line, line.event, detail)];
      }
      case "transaction.ended":
        return line.failed ? [this.#traced("failed", line, line.event, {})] : [];
      case "invoke":
        this.#operations.set(`${process} ${line.op}`, { line, atMs });
        return [];
      case "ok":
        return this.#isStoreRecorded ? [] : this.#done(line, line.op, line.revision ?? 0);
      case "unknown":
        return this.#failed(line, line.op, line.because);
      case "fail":
        return line.because === "refused" ? this.#failed(line, line.op, line.because) : [];
      case "store.held":
        return "record" in line ? this.#changed({ type: "put", entry: line }, atMs) : [];
      case "store.removed":
        return this.#changed({ type: "removed", key: line.key, revision: line.revision }, atMs);
      case "frozen":
        return this.#everyEventOf(line, "frozen", "");
      case "died": {
        const crashed = this.#everyEventOf(line, "crashed", "");
        this.#unanswered.delete(process);
        return crashed;
      }
      case "fault":
        return this.#everyEvent(line, line.fault);
      case "effect.checked":
      case "settled":
        return [];
    }
  }

  #changed(change: RecordChange, atMs: number): readonly TraceEvent[] {
    return this.#store.read(change, atMs);
  }

  /** Derives the event from the store's answer. */
  #done(line: SeenLine, op: number, revision: number): readonly TraceEvent[] {
    const begun = this.#operations.get(`${line.process} ${op}`);
    const type = begun === undefined ? undefined : operationTypes[begun.line.operation];
    if (begun === undefined || type === undefined) return [];
    const { event, key, fence = 0, leaseMs = 0 } = begun.line;
    const detail = {
      fence: fenceOf({ fence }, revision),
      revision,
      durationMs: line.atMs - begun.atMs,
      forMs: type === "reserved" || type === "renewed" ? leaseMs : 0,
    };
    return [this.#traced(type, line, event ?? key, detail)];
  }

  #failed(line: SeenLine, op: number, cause: string): readonly TraceEvent[] {
    const begun = this.#operations.get(`${line.process} ${op}`);
    if (begun === undefined) return [];
    const { event, key, operation } = begun.line;
    return [this.#traced("store-unavailable", line, event ?? key, { cause: `${operation}: ${cause}` })];
  }

  #everyEventOf(line: SeenLine, type: TraceType, cause: string): readonly TraceEvent[] {
    return [...this.#unansweredOf(line.process)].map((event) => this.#traced(type, line, event, { cause }));
  }

  #everyEvent(line: SeenLine, cause: string): readonly TraceEvent[] {
    const events = new Set([...this.#unanswered.values()].flatMap((inOne) => [...inOne]));
    return [...events].map((event) => this.#traced("fault", line, event, { cause }));
  }

  #unansweredOf(process: string): Set<string> {
    const events = this.#unanswered.get(process) ?? new Set();
    this.#unanswered.set(process, events);
    return events;
  }

  #traced(type: TraceType, { process, atMs }: SeenLine, event: string, detail: Partial<TraceEvent>): TraceEvent {
    return {
      type,
      identity: this.#events.get(event) ?? { ...UNKNOWN, storeKey: event, eventId: event },
      atMs,
      replica: process,
      owner: process,
      attempt: 1,
      fence: 0,
      revision: 0,
      durationMs: 0,
      forMs: 0,
      cause: "",
      ...detail,
    };
  }
}

/** Identity of an event whose records are not in the history. */
const UNKNOWN = { workspaceId: "", subscriptionId: "" };

/** Maps event ids and keys to identities, which records describe best. */
function eventsOf(lines: readonly SeenLine[]): ReadonlyMap<string, KeyedIdentity> {
  const events = new Map<string, KeyedIdentity>();
  for (const line of lines) {
    if (line.type === "invoke" && line.event !== undefined && !events.has(line.event)) {
      events.set(line.event, { ...UNKNOWN, storeKey: line.key, eventId: line.event });
    }
  }
  for (const line of lines) {
    if (line.type !== "store.held" || !("record" in line)) continue;
    const { workspaceId, subscriptionId, eventId } = line.record;
    events.set(eventId, { storeKey: line.key, workspaceId, subscriptionId, eventId });
  }
  for (const event of [...events.values()]) events.set(event.storeKey, event);
  return events;
}

const operationTypes: Readonly<Partial<Record<Invoked["operation"], TraceType>>> = {
  reserve: "reserved",
  renew: "renewed",
  commit: "committed",
  release: "released",
  clear: "cleared",
};

function answerType(answered: Answered): TraceType {
  if (answered.answer === "nak") return answered.because === "pending" ? "pending" : "nak";
  if (answered.because === "duplicate") return "duplicate";
  const { commit } = answered;
  return commit === "superseded" || commit === "unconfirmed" ? commit : "acknowledged";
}

function answerDetail(answered: Answered): Partial<TraceEvent> {
  if (answered.answer === "acknowledged") return { cause: answered.commit ?? "" };
  return { forMs: answered.afterMs, cause: answered.error ?? answered.code ?? "" };
}
