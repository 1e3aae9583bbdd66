import type { Answered, History, Invoked, LineOf, SeenLine, StoreHeld } from "../../history/history.ts";
import type { RunViolation } from "./run-violation.ts";

/** One row of a drawn run: a line of its history, or an operation with its response if nothing happened before it. */
export interface ReportRow {
  /** Numbers of the first and the last line that the row shows. */
  readonly first: number;
  readonly last: number;
  readonly atMs: number;
  readonly process: string;
  readonly kind: "delivered" | "answered" | "requested" | "responded" | "effect" | "fault" | "stored" | "settled";
  /** Description of what happened. */
  readonly text: string;
  /** The response to a request, if it came at once. */
  readonly response?: string;
  /** Content of the store from here on. */
  readonly stored?: string;
}

type Result = LineOf<"ok" | "fail" | "unknown">;

/** Returns the rows of a run, up to the line of its first violation. The end of a run is shown only if it is that line. */
export function rowsUpTo(history: History, violations: readonly RunViolation[]): readonly ReportRow[] {
  const [first] = violations;
  return rowsOf(history).filter((row) => (first === undefined ? row.kind !== "settled" : row.first <= first.line));
}

/** Returns the violations of the line that broke something first, if this row shows it. */
export function violationsAt({ first, last }: ReportRow, violations: readonly RunViolation[]): readonly RunViolation[] {
  return violations.filter(({ line }) => line === violations[0]?.line && line >= first && line <= last);
}

function rowsOf(history: History): readonly ReportRow[] {
  const reader = new Reader(history);
  const rows: ReportRow[] = [];
  history.forEach((line, index) => {
    const shown = rows.at(-1)?.last ?? 0;
    if (line.type === "history" || index < shown) return;
    const row = reader.read(line, index + 1);
    if (row !== undefined) rows.push(row);
  });
  return rows;
}

class Reader {
  readonly #history: History;
  readonly #operations = new Map<string, Invoked>();
  readonly #effects = new Map<string, LineOf<"effect.began">>();
  /** Names of the keys: the event id, with the subscription where several have that event. */
  readonly #names: ReadonlyMap<string, string>;

  constructor(history: History) {
    this.#history = history;
    this.#names = keyNames(history);
    for (const line of history) {
      if (line.type === "invoke") this.#operations.set(`${line.process} ${line.op}`, line);
      if (line.type === "effect.began") this.#effects.set(`${line.process} ${line.effect}`, line);
    }
  }

  /** Returns the row for a line, with the lines after it that belong to it. */
  read(line: SeenLine, number: number): ReportRow | undefined {
    const at = { first: number, last: number, atMs: line.atMs, process: line.process };
    switch (line.type) {
      case "invoke":
        return this.#request(line, at);
      case "ok":
      case "fail":
      case "unknown": {
        const request = this.#operations.get(`${line.process} ${line.op}`);
        const text = request === undefined ? "" : this.#describe(request);
        return { ...at, kind: "responded", text, response: describeResult(line, request) };
      }
      case "delivered":
        return { ...at, kind: "delivered", text: `${line.event}, delivery ${line.delivery}` };
      case "answered":
        return { ...at, kind: "answered", text: describeAnswer(line) };
      case "effect.began":
        return {
          ...at,
          kind: "effect",
          text: `${this.#effect(line)} begins${line.fence > 0 ? ` (fence ${line.fence})` : ""}`,
        };
      case "effect.aborted":
        return { ...at, kind: "effect", text: `${this.#effect(line)}: its signal aborts` };
      case "effect.checked":
        return undefined;
      case "effect.ended":
        return { ...at, kind: "effect", text: `${this.#effect(line)} ${line.failed ? "fails" : "ends"}` };
      case "transaction.ended": {
        const end = line.failed ? "fails for the handler" : "finds its marker";
        return { ...at, kind: "effect", text: `the transaction of ${line.name} of ${line.event} ${end}` };
      }
      case "store.held":
        return { ...at, kind: "stored", text: "", stored: this.#describeStored(line) };
      case "store.removed":
        return { ...at, kind: "stored", text: "", stored: `${this.#nameOf(line.key)}: nothing` };
      case "fault":
        // A process that dies or freezes has a line of its own.
        if (line.fault === "crash" || line.fault === "freeze") return undefined;
        return { ...at, kind: "fault", text: line.fault };
      case "frozen":
        return { ...at, kind: "fault", text: "freezes" };
      case "died":
        return { ...at, kind: "fault", text: "dies" };
      case "settled":
        return { ...at, kind: "settled", text: "the run ends" };
    }
  }

  /** Includes the response and what the store then held, if nothing else happened before. */
  #request(line: LineOf<"invoke">, at: Pick<ReportRow, "first" | "last" | "atMs" | "process">): ReportRow {
    const row = { ...at, kind: "requested", text: this.#describe(line) } as const;
    let stored: string | undefined;
    for (let index = at.last; index < this.#history.length; index += 1) {
      const next = this.#history[index];
      if (next?.type === "store.held") stored = this.#describeStored(next);
      else if (next?.type === "store.removed") stored = `${this.#nameOf(next.key)}: nothing`;
      else if (isResultOf(next, line)) {
        const response = describeResult(next, line);
        return { ...row, last: index + 1, response, ...(stored === undefined ? {} : { stored }) };
      } else break;
    }
    return row;
  }

  #nameOf(key: string): string {
    return this.#names.get(key) ?? key;
  }

  #effect({ process, effect, event }: LineOf<"effect.began" | "effect.aborted" | "effect.ended">): string {
    return `${this.#effects.get(`${process} ${effect}`)?.name ?? "effect"} of ${event}`;
  }

  #describe({ operation, key, expected, value }: Invoked): string {
    const what = operation === "put" ? `put ${key} = ${JSON.stringify(value)}` : `${operation} ${this.#nameOf(key)}`;
    if (expected === undefined || operation === "release" || operation === "clear") return what;
    if (expected > 0) return `${what} over revision ${expected}`;
    return operation === "reserve" ? what : `${what} over nothing`;
  }

  #describeStored(line: StoreHeld): string {
    const { key, revision } = line;
    if ("value" in line) return `${key} = ${JSON.stringify(line.value)} (revision ${revision})`;
    return `${this.#nameOf(key)}: ${line.record.state} by ${line.record.owner} (revision ${revision})`;
  }
}

function keyNames(history: History): ReadonlyMap<string, string> {
  const events = new Map<string, string>();
  const subscriptions = new Map<string, string>();
  for (const line of history) {
    if (line.type === "invoke" && line.event !== undefined) events.set(line.key, line.event);
    if (line.type !== "store.held" || !("record" in line)) continue;
    events.set(line.key, line.record.eventId);
    subscriptions.set(line.key, line.record.subscriptionId);
  }
  const isShared = (event: string): boolean => [...events.values()].filter((other) => other === event).length > 1;
  return new Map(
    [...events].map(([key, event]) => {
      const subscription = subscriptions.get(key);
      return [key, subscription !== undefined && isShared(event) ? `${subscription}/${event}` : event];
    }),
  );
}

function isResultOf(line: History[number] | undefined, request: LineOf<"invoke">): line is Result {
  const isResult = line?.type === "ok" || line?.type === "fail" || line?.type === "unknown";
  return isResult && line.process === request.process && line.op === request.op;
}

function describeResult(line: Result, request: Invoked | undefined): string {
  switch (line.type) {
    case "ok":
      if (request?.operation === "get" && line.value !== undefined) return JSON.stringify(line.value);
      if (line.revision === undefined) return "done";
      return line.revision === 0 ? "nothing" : `revision ${line.revision}`;
    case "fail":
      return line.because;
    case "unknown":
      return "no answer";
  }
}

function describeAnswer(line: Answered): string {
  if (line.answer === "acknowledged") {
    const commit = line.commit === undefined ? "" : `, ${line.commit}`;
    return line.because === "returned" ? "acknowledged" : `acknowledged: ${line.because}${commit}`;
  }
  return `nak: ${line.error ?? line.because}`;
}
