import type { Answered, History, Invoked, SeenLine, StoreHeld } from "../../history/history.ts";
import type { Broken } from "./run.ts";

/** What a reader of a run is shown at once: a line of its history, or an operation with its answer where nothing came between. */
export interface Moment {
  /** The numbers of the first and the last line that it stands for. */
  readonly first: number;
  readonly last: number;
  readonly atMs: number;
  readonly process: string;
  readonly kind: "delivered" | "answered" | "asked" | "told" | "did" | "went wrong" | "held" | "settled";
  /** What happened, in words. */
  readonly text: string;
  /** The answer to what was asked, if it came at once. */
  readonly answer?: string;
  /** What the store holds from here on, in words. */
  readonly held?: string;
}

type Line<Type extends SeenLine["type"]> = Extract<SeenLine, { type: Type }>;
type Ending = Line<"ok" | "fail" | "unknown">;

/** What happened in a run, in words, in the order of its lines. */
function momentsOf(history: History): readonly Moment[] {
  const reader = new Reader(history);
  const moments: Moment[] = [];
  history.forEach((line, index) => {
    const shown = moments.at(-1)?.last ?? 0;
    if (line.type === "history" || index < shown) return;
    const moment = reader.read(line, index + 1);
    if (moment !== undefined) moments.push(moment);
  });
  return moments;
}

/** The same, up to what was broken first; that nothing was left to happen is only shown where that is what broke something. */
export function momentsUpTo(history: History, broken: readonly Broken[]): readonly Moment[] {
  const [first] = broken;
  return momentsOf(history).filter((moment) =>
    first === undefined ? moment.kind !== "settled" : moment.first <= first.line,
  );
}

/** What was broken first, if it is shown by this moment. */
export function brokenAt({ first, last }: Moment, broken: readonly Broken[]): readonly Broken[] {
  return broken.filter(({ line }) => line === broken[0]?.line && line >= first && line <= last);
}

class Reader {
  readonly #history: History;
  readonly #operations = new Map<string, Invoked>();
  readonly #effects = new Map<string, Line<"effect.began">>();
  readonly #events = new Map<string, string>();

  constructor(history: History) {
    this.#history = history;
    for (const line of history) {
      if (line.type === "invoke") this.#operations.set(`${line.process} ${line.op}`, line);
      if (line.type === "invoke" && line.event !== undefined) this.#events.set(line.key, line.event);
      if (line.type === "store.held" && "record" in line) this.#events.set(line.key, line.record.eventId);
      if (line.type === "effect.began") this.#effects.set(`${line.process} ${line.effect}`, line);
    }
  }

  /** What is to be shown of a line, and of those after it that belong to it. */
  read(line: SeenLine, number: number): Moment | undefined {
    const at = { first: number, last: number, atMs: line.atMs, process: line.process };
    switch (line.type) {
      case "invoke":
        return this.#asked(line, at);
      case "ok":
      case "fail":
      case "unknown": {
        const sent = this.#operations.get(`${line.process} ${line.op}`);
        const asked = sent === undefined ? "" : this.#saidOf(sent);
        return { ...at, kind: "told", text: asked, answer: saidOfEnding(line, sent) };
      }
      case "delivered":
        return { ...at, kind: "delivered", text: `${line.event}, delivery ${line.delivery}` };
      case "answered":
        return { ...at, kind: "answered", text: saidOfAnswer(line) };
      case "effect.began":
        return {
          ...at,
          kind: "did",
          text: `${this.#effect(line)} begins${line.fence > 0 ? ` (fence ${line.fence})` : ""}`,
        };
      case "effect.told":
        return { ...at, kind: "did", text: `${this.#effect(line)} is told to stop` };
      case "effect.looked":
        return undefined;
      case "effect.ended":
        return { ...at, kind: "did", text: `${this.#effect(line)} ${line.failed ? "fails" : "ends"}` };
      case "store.held":
        return { ...at, kind: "held", text: "", held: this.#held(line) };
      case "store.removed":
        return { ...at, kind: "held", text: "", held: `${this.#nameOf(line.key)}: nothing` };
      case "fault":
        // A process that dies or stands still is told of by a line of its own.
        if (line.fault === "crash" || line.fault === "freeze") return undefined;
        return { ...at, kind: "went wrong", text: line.fault };
      case "frozen":
        return { ...at, kind: "went wrong", text: "stands still" };
      case "died":
        return { ...at, kind: "went wrong", text: "dies" };
      case "settled":
        return { ...at, kind: "settled", text: "nothing is left to happen" };
    }
  }

  /** With its answer, and what it made the store hold, if nothing else happened before that. */
  #asked(line: Line<"invoke">, at: Pick<Moment, "first" | "last" | "atMs" | "process">): Moment {
    const moment = { ...at, kind: "asked", text: this.#saidOf(line) } as const;
    let held: string | undefined;
    for (let index = at.last; index < this.#history.length; index += 1) {
      const next = this.#history[index];
      if (next?.type === "store.held") held = this.#held(next);
      else if (next?.type === "store.removed") held = `${this.#nameOf(next.key)}: nothing`;
      else if (isEndingOf(next, line)) {
        const answer = saidOfEnding(next, line);
        return { ...moment, last: index + 1, answer, ...(held === undefined ? {} : { held }) };
      } else break;
    }
    return moment;
  }

  #nameOf(key: string): string {
    return this.#events.get(key) ?? key;
  }

  #effect({ process, effect, event }: Line<"effect.began" | "effect.told" | "effect.ended">): string {
    return `${this.#effects.get(`${process} ${effect}`)?.name ?? "effect"} of ${event}`;
  }

  #saidOf({ operation, key, expected, value }: Invoked): string {
    const what = operation === "put" ? `put ${key} = ${JSON.stringify(value)}` : `${operation} ${this.#nameOf(key)}`;
    if (expected === undefined || operation === "release" || operation === "clear") return what;
    if (expected > 0) return `${what} over revision ${expected}`;
    return operation === "reserve" ? what : `${what} over nothing`;
  }

  #held(line: StoreHeld): string {
    const { key, revision } = line;
    if ("value" in line) return `${key} = ${JSON.stringify(line.value)} (revision ${revision})`;
    return `${this.#nameOf(key)}: ${line.record.state} by ${line.record.owner} (revision ${revision})`;
  }
}

function isEndingOf(line: History[number] | undefined, sent: Line<"invoke">): line is Ending {
  const isEnding = line?.type === "ok" || line?.type === "fail" || line?.type === "unknown";
  return isEnding && line.process === sent.process && line.op === sent.op;
}

function saidOfEnding(line: Ending, sent: Invoked | undefined): string {
  switch (line.type) {
    case "ok":
      if (sent?.operation === "get" && line.value !== undefined) return JSON.stringify(line.value);
      if (line.revision === undefined) return "done";
      return line.revision === 0 ? "nothing" : `revision ${line.revision}`;
    case "fail":
      return line.because;
    case "unknown":
      return "no answer";
  }
}

function saidOfAnswer(line: Answered): string {
  if (line.answer === "acknowledged") {
    const commit = line.commit === undefined ? "" : `, ${line.commit}`;
    return line.because === "returned" ? "acknowledged" : `acknowledged: ${line.because}${commit}`;
  }
  return `put back: ${line.error ?? line.because}`;
}
