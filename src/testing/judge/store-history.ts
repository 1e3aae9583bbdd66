import type { History, Invoked, SeenLine } from "../../history/history.ts";
import type { Revision } from "../../model/store.ts";
import { checkRegister, type Holding, type RegisterOperation } from "./register.ts";

/** A key of a store that did what no register can do. */
export interface StoreViolation {
  readonly key: string;
  /** What it did, in words. */
  readonly why: string;
}

/** How the reads of a history are to be taken. */
export interface StoreHistoryOptions {
  /** The process whose reads were exact: made when nobody wrote any more, from a store that was whole. */
  readonly exactReader?: string;
  /**
   * Whether a write that failed had certainly no effect. Of several servers two may take a write for theirs, for a moment: one that
   * was replaced refuses it, and its successor stores it. @default true
   */
  readonly failuresAreFinal?: boolean;
}

/**
 * Checks a history of clients for what their store owes them: that the writes which it acknowledged took effect one after
 * another, each over what it expected, while nothing ended before its time.
 *
 * A read, and a conflict with what it tells of, may be out of date, as the contract of a store allows; but what a read shows must
 * have stood there. A write without an answer may have taken effect at any time since, or never.
 */
export function checkStoreHistory(
  history: History,
  { exactReader, failuresAreFinal = true }: StoreHistoryOptions = {},
): readonly StoreViolation[] {
  return [...questionsByKey(history)].flatMap(([key, questions]) => {
    const writes = questions.flatMap((question) => writeOf(key, question, failuresAreFinal));
    const written = new Map<Revision, RegisterOperation>();
    const twice: StoreViolation[] = [];
    for (const write of writes) {
      if (write.answer.type !== "stored") continue;
      const { revision } = write.answer;
      const other = written.get(revision);
      if (other !== undefined) twice.push({ key, why: `${told(other)} and ${told(write)} were given one revision` });
      written.set(revision, write);
    }
    const { reads, wrong } = readsOf(key, questions, written, exactReader);
    const relevant = withoutUnseen(writes, reads, written);
    const stuck = checkRegister([...relevant, ...reads]).map(({ order, stuck }) => ({
      key,
      why: explained(order, stuck),
    }));
    return [...twice, ...wrong, ...stuck];
  });
}

/** What was asked of the store, and the answer, if there was one. */
interface Question {
  readonly invoked: Invoked & SeenLine;
  answer?: Extract<SeenLine, { readonly type: "ok" | "fail" | "unknown" }>;
}

function questionsByKey(history: History): ReadonlyMap<string, readonly Question[]> {
  const byKey = new Map<string, Question[]>();
  const byOperation = new Map<string, Question>();
  for (const line of history) {
    if (line.type === "invoke") {
      const question: Question = { invoked: line };
      const ofKey = byKey.get(line.key);
      if (ofKey === undefined) byKey.set(line.key, [question]);
      else ofKey.push(question);
      byOperation.set(`${line.process} ${line.op}`, question);
    } else if (line.type === "ok" || line.type === "fail" || line.type === "unknown") {
      const question = byOperation.get(`${line.process} ${line.op}`);
      if (question !== undefined) question.answer = line;
    }
  }
  return byKey;
}

type Write = Exclude<RegisterOperation, { readonly call: "get" }>;

/** The write as it may have changed the register; none if it certainly did not. */
function writeOf(key: string, { invoked, answer }: Question, failuresAreFinal: boolean): readonly Write[] {
  const { operation, token, expected, ttlMs, process } = invoked;
  if (expected === undefined || (answer?.type === "fail" && failuresAreFinal)) return [];
  const isAnswered = answer?.type === "ok";
  const returnedMs = isAnswered ? answer.atMs : Number.POSITIVE_INFINITY;
  const common = { key, process, invokedMs: invoked.atMs, returnedMs, expected };
  if (operation === "release" || operation === "clear" || operation === "delete") {
    return [{ ...common, call: "remove", answer: { type: isAnswered ? "removed" : "unknown" } }];
  }
  if (token === undefined || ttlMs === undefined) return [];
  const stored = isAnswered && answer.revision !== undefined;
  return [
    {
      ...common,
      call: "put",
      value: recordName(token, operation === "commit" ? "committed" : "reserved"),
      ttlMs,
      answer: stored ? { type: "stored", revision: answer.revision } : { type: "unknown" },
    },
  ];
}

function recordName(token: string, state: "reserved" | "committed"): string {
  return `${state} ${token}`;
}

/**
 * What the reads prove. One that shows what an acknowledged write stored says no more, unless it is exact; one that shows what
 * only a write without an answer can have stored proves that it took effect.
 */
function readsOf(
  key: string,
  questions: readonly Question[],
  written: ReadonlyMap<Revision, RegisterOperation>,
  exactReader: string | undefined,
): { readonly reads: readonly RegisterOperation[]; readonly wrong: readonly StoreViolation[] } {
  const reads: RegisterOperation[] = [];
  const wrong: StoreViolation[] = [];
  const earliest = new Map<Revision, RegisterOperation>();
  for (const { invoked, answer } of questions) {
    if (answer === undefined || answer.type === "unknown") continue;
    const shown = holdingOf(answer);
    if (shown === undefined) continue;
    const { process } = invoked;
    const common = { key, process, returnedMs: answer.atMs, call: "get" } as const;
    if (process === exactReader) reads.push({ ...common, invokedMs: invoked.atMs, answer: shown });
    if (process === exactReader || shown.type === "nothing") continue;
    const read = { ...common, invokedMs: Number.NEGATIVE_INFINITY, answer: shown };
    const write = written.get(shown.revision);
    if (write === undefined) {
      const other = earliest.get(shown.revision);
      if (other === undefined || answer.atMs < other.returnedMs) earliest.set(shown.revision, read);
    } else if (write.call !== "put" || write.value !== shown.value || write.invokedMs > answer.atMs) {
      wrong.push({ key, why: `${told(read)} shows what ${told(write)} cannot have left there` });
    }
  }
  return { reads: [...reads, ...earliest.values()], wrong };
}

function holdingOf(answer: NonNullable<Question["answer"]>): Holding | undefined {
  if (answer.type === "unknown" || answer.revision === undefined) return undefined;
  if (answer.type === "ok" && answer.revision === 0) return { type: "nothing" };
  const { revision, token, state } = answer;
  if (token === undefined || state === undefined) return undefined;
  return { type: "held", revision, value: recordName(token, state) };
}

/**
 * Leaves out the writes without an answer of which nothing is seen later: nobody read what they wrote, or wrote over it. That
 * they took effect would explain nothing, and there can be many.
 */
function withoutUnseen(
  writes: readonly Write[],
  reads: readonly RegisterOperation[],
  written: ReadonlyMap<Revision, RegisterOperation>,
): readonly Write[] {
  const shown = new Map<Revision, string>();
  for (const { answer } of reads) if (answer.type === "held") shown.set(answer.revision, answer.value);
  const seen = new Set(shown.values());
  // Who writes over a revision that no read shows was told of it in a way that was not recorded: it can be its own.
  const unread = writes.flatMap(({ process, expected }) =>
    expected === 0 || written.has(expected) || shown.has(expected) ? [] : [process],
  );
  const authors = new Set(unread);
  return writes.filter(
    (write) =>
      write.call === "remove" || write.answer.type === "stored" || seen.has(write.value) || authors.has(write.process),
  );
}

const SHOWN = 6;

function explained(order: readonly RegisterOperation[], stuck: readonly RegisterOperation[]): string {
  const before = order.slice(-SHOWN).map(told);
  const after = stuck.slice(0, SHOWN).map(told);
  return `No order explains it: after ${before.join(", ") || "nothing"} none of these can come: ${after.join(", ")}`;
}

function told(operation: RegisterOperation): string {
  const { process, call, answer, invokedMs, returnedMs } = operation;
  const when = `[${invokedMs.toFixed(0)}, ${returnedMs.toFixed(0)}]`;
  const what = call === "put" ? ` ${operation.value} over ${operation.expected}` : "";
  const over = call === "remove" ? ` ${operation.expected}` : "";
  const shown = answer.type === "held" ? ` ${answer.value} at ${answer.revision}` : "";
  const revision = answer.type === "stored" ? ` as ${answer.revision}` : "";
  return `${process} ${call}${what}${over}: ${answer.type}${shown}${revision} ${when}`;
}
