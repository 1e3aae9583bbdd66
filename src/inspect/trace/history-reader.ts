import type { Answered, History, Invoked, SeenLine } from "../../history/history.ts";
import { fenceOf } from "../../model/record.ts";
import { type RecordChange, StoreReader } from "./store-reader.ts";
import type { EventRef, TraceEvent, TraceType } from "./trace-event.ts";

/**
 * The steps of a recorded or simulated run, in their order: that of the lines if one recorder saw them all, that of time if there
 * were several.
 */
export function stepsOfHistory(history: History): readonly TraceEvent[] {
  const lines = history.filter((line) => line.type !== "history");
  if (lines.length < history.length - 1) lines.sort((one, other) => one.atMs - other.atMs);
  const reader = new HistoryReader(lines);
  return lines.flatMap((line) => reader.read(line));
}

/** What a process began, and when. */
interface Begun<What> {
  readonly what: What;
  readonly atMs: number;
}

class HistoryReader {
  readonly #store = new StoreReader(Number.POSITIVE_INFINITY);
  readonly #events: ReadonlyMap<string, EventRef>;
  /** Whether somebody watched the store; where nobody did, what it answered tells. */
  readonly #isStoreSeen: boolean;
  readonly #effects = new Map<string, Begun<{ readonly fence: number }>>();
  readonly #operations = new Map<string, Begun<Invoked>>();
  /** The events that each process was given and has not answered. */
  readonly #inHand = new Map<string, Set<string>>();

  constructor(lines: readonly SeenLine[]) {
    this.#events = eventsOf(lines);
    this.#isStoreSeen = lines.some((line) => line.type === "store.held" && "record" in line);
  }

  read(line: SeenLine): readonly TraceEvent[] {
    const { process, atMs } = line;
    switch (line.type) {
      case "delivered":
        this.#handOf(process).add(line.event);
        return [this.#step("delivered", line, line.event, { attempt: line.delivery })];
      case "answered":
        this.#handOf(process).delete(line.event);
        return [this.#step(answerType(line), line, line.event, { attempt: line.delivery, ...answerDetail(line) })];
      case "effect.began":
        this.#handOf(process).add(line.event);
        this.#effects.set(`${process} ${line.effect}`, { what: line, atMs });
        return [this.#step("began", line, line.event, { fence: line.fence, cause: line.name })];
      case "effect.told":
        return [this.#step("expired", line, line.event, { cause: "told to stop" })];
      case "effect.ended": {
        const begun = this.#effects.get(`${process} ${line.effect}`);
        const detail = begun === undefined ? {} : { fence: begun.what.fence, durationMs: atMs - begun.atMs };
        return [this.#step(line.failed ? "failed" : "dispatched", line, line.event, detail)];
      }
      case "invoke":
        this.#operations.set(`${process} ${line.op}`, { what: line, atMs });
        return [];
      case "ok":
        return this.#isStoreSeen ? [] : this.#done(line, line.op, line.revision ?? 0);
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
        const steps = this.#everyEventOf(line, "crashed", "");
        this.#inHand.delete(process);
        return steps;
      }
      case "fault":
        return this.#everyEvent(line, line.fault);
      case "effect.looked":
      case "settled":
        return [];
    }
  }

  #changed(change: RecordChange, atMs: number): readonly TraceEvent[] {
    const step = this.#store.read(change, atMs);
    return step === undefined ? [] : [step];
  }

  /** What a process did to the store, from what it was answered. */
  #done(line: SeenLine, op: number, revision: number): readonly TraceEvent[] {
    const begun = this.#operations.get(`${line.process} ${op}`);
    const type = begun === undefined ? undefined : operationTypes[begun.what.operation];
    if (begun === undefined || type === undefined) return [];
    const { event, key, fence = 0, leaseMs = 0 } = begun.what;
    const detail = {
      fence: fenceOf({ fence }, revision),
      revision,
      durationMs: line.atMs - begun.atMs,
      forMs: type === "reserved" || type === "renewed" ? leaseMs : 0,
    };
    return [this.#step(type, line, event ?? key, detail)];
  }

  #failed(line: SeenLine, op: number, cause: string): readonly TraceEvent[] {
    const begun = this.#operations.get(`${line.process} ${op}`);
    if (begun === undefined) return [];
    const { event, key, operation } = begun.what;
    return [this.#step("store-unavailable", line, event ?? key, { cause: `${operation}: ${cause}` })];
  }

  #everyEventOf(line: SeenLine, type: TraceType, cause: string): readonly TraceEvent[] {
    return [...this.#handOf(line.process)].map((event) => this.#step(type, line, event, { cause }));
  }

  #everyEvent(line: SeenLine, cause: string): readonly TraceEvent[] {
    const events = new Set([...this.#inHand.values()].flatMap((inHand) => [...inHand]));
    return [...events].map((event) => this.#step("fault", line, event, { cause }));
  }

  #handOf(process: string): Set<string> {
    const inHand = this.#inHand.get(process) ?? new Set();
    this.#inHand.set(process, inHand);
    return inHand;
  }

  #step(type: TraceType, { process, atMs }: SeenLine, event: string, detail: Partial<TraceEvent>): TraceEvent {
    return {
      type,
      identity: this.#events.get(event) ?? { ...NOWHERE, storeKey: event, eventId: event },
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

/** Of a history that does not tell it. */
const NOWHERE = { workspaceId: "", subscriptionId: "" };

/** By event and by key: what is known of each event, best from its records. */
function eventsOf(lines: readonly SeenLine[]): ReadonlyMap<string, EventRef> {
  const events = new Map<string, EventRef>();
  for (const line of lines) {
    if (line.type === "invoke" && line.event !== undefined && !events.has(line.event)) {
      events.set(line.event, { ...NOWHERE, storeKey: line.key, eventId: line.event });
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
  if (answered.answer === "put back") return answered.because === "pending" ? "pending" : "put-back";
  if (answered.because === "duplicate") return "duplicate";
  const { commit } = answered;
  return commit === "superseded" || commit === "unconfirmed" ? commit : "acknowledged";
}

function answerDetail(answered: Answered): Partial<TraceEvent> {
  if (answered.answer === "acknowledged") return { cause: answered.commit ?? "" };
  return { forMs: answered.afterMs, cause: answered.error ?? answered.code ?? "" };
}
