import type { History, Invoked, LineOf, SeenLine } from "../../history/history.ts";
import type { Revision } from "../../model/store.ts";
import { checkRegister, type ReadResult, type RegisterOperation } from "./register.ts";

/** A key of a store that did not behave like a register. */
export interface StoreViolation {
  /** Key whose history is not linearizable. */
  readonly key: string;
  /** Explanation in words. */
  readonly why: string;
}

/** Interpretation of a history of store operations. */
export interface StoreHistoryOptions {
  /** Process whose reads were exact: it read a healthy store after the last write. */
  readonly exactReader?: string;
  /**
   * True if a failed write certainly had no effect. During a leader change, an old leader may refuse a write that its successor
   * stores. @default true
   */
  readonly failuresAreFinal?: boolean;
}

/**
 * Checks what a store guarantees, in a history of its clients. Acknowledged writes took effect one after another, each over the
 * revision it expected, and no entry ended before its time.
 *
 * Reads and conflicts may be outdated, as the contract of a store allows. But a store must have held what a read shows. A write
 * without a response may have taken effect at any time since, or never.
 */
export function checkStoreHistory(
  history: History,
  { exactReader, failuresAreFinal = true }: StoreHistoryOptions = {},
): readonly StoreViolation[] {
  return [...requestsByKey(history)].flatMap(([key, requests]) => {
    const writes = requests.flatMap((request) => writeOf(key, request, failuresAreFinal));
    const written = new Map<Revision, RegisterOperation>();
    const twice: StoreViolation[] = [];
    for (const write of writes) {
      if (write.answer.type !== "stored") continue;
      const { revision } = write.answer;
      const other = written.get(revision);
      if (other !== undefined)
        twice.push({ key, why: `${describe(other)} and ${describe(write)} got the same revision` });
      written.set(revision, write);
    }
    const { reads, wrong } = readsOf(key, requests, written, exactReader);
    const relevant = withoutUnseen(writes, reads, written);
    const stuck = checkRegister([...relevant, ...reads]).map(({ order, stuck }) => ({
      key,
      why: explainOrder(order, stuck),
    }));
    return [...twice, ...wrong, ...stuck];
  });
}

/** A request to the store, with its result if there was one. */
interface RegisterRequest {
  readonly invoked: Invoked & SeenLine;
  result?: LineOf<"ok" | "fail" | "unknown">;
}

function requestsByKey(history: History): ReadonlyMap<string, readonly RegisterRequest[]> {
  const byKey = new Map<string, RegisterRequest[]>();
  const byOperation = new Map<string, RegisterRequest>();
  for (const line of history) {
    if (line.type === "invoke") {
      const request: RegisterRequest = { invoked: line };
      const ofKey = byKey.get(line.key);
      if (ofKey === undefined) byKey.set(line.key, [request]);
      else ofKey.push(request);
      byOperation.set(`${line.process} ${line.op}`, request);
    } else if (line.type === "ok" || line.type === "fail" || line.type === "unknown") {
      const request = byOperation.get(`${line.process} ${line.op}`);
      if (request !== undefined) request.result = line;
    }
  }
  return byKey;
}

type ConditionalChange = Exclude<RegisterOperation, { readonly call: "get" }>;

/** Returns the write as it may have changed the register; none if it certainly did not. */
function writeOf(
  key: string,
  { invoked, result }: RegisterRequest,
  failuresAreFinal: boolean,
): readonly ConditionalChange[] {
  const { operation, token, expected, ttlMs, process } = invoked;
  if (expected === undefined || (result?.type === "fail" && failuresAreFinal)) return [];
  const isAnswered = result?.type === "ok";
  const returnedMs = isAnswered ? result.atMs : Number.POSITIVE_INFINITY;
  const common = { key, process, invokedMs: invoked.atMs, returnedMs, expected };
  if (operation === "release" || operation === "clear" || operation === "delete") {
    return [{ ...common, call: "remove", answer: { type: isAnswered ? "removed" : "unknown" } }];
  }
  if (token === undefined || ttlMs === undefined) return [];
  const isStored = isAnswered && result.revision !== undefined;
  return [
    {
      ...common,
      call: "put",
      value: recordName(token, operation === "commit" ? "committed" : "reserved"),
      ttlMs,
      answer: isStored ? { type: "stored", revision: result.revision } : { type: "unknown" },
    },
  ];
}

function recordName(token: string, state: "reserved" | "committed"): string {
  return `${state} ${token}`;
}

/**
 * Returns what the reads prove. A read of an acknowledged write proves nothing more, unless it is exact. A read of a write without
 * a response proves that the write took effect.
 */
function readsOf(
  key: string,
  requests: readonly RegisterRequest[],
  written: ReadonlyMap<Revision, RegisterOperation>,
  exactReader: string | undefined,
): { readonly reads: readonly RegisterOperation[]; readonly wrong: readonly StoreViolation[] } {
  const reads: RegisterOperation[] = [];
  const wrong: StoreViolation[] = [];
  const earliest = new Map<Revision, RegisterOperation>();
  for (const { invoked, result } of requests) {
    if (result === undefined || result.type === "unknown") continue;
    const shown = readResultOf(result);
    if (shown === undefined) continue;
    const { process } = invoked;
    const common = { key, process, returnedMs: result.atMs, call: "get" } as const;
    if (process === exactReader) reads.push({ ...common, invokedMs: invoked.atMs, answer: shown });
    if (process === exactReader || shown.type === "nothing") continue;
    const read = { ...common, invokedMs: Number.NEGATIVE_INFINITY, answer: shown };
    const write = written.get(shown.revision);
    if (write === undefined) {
      const other = earliest.get(shown.revision);
      if (other === undefined || result.atMs < other.returnedMs) earliest.set(shown.revision, read);
    } else if (write.call !== "put" || write.value !== shown.value || write.invokedMs > result.atMs) {
      wrong.push({ key, why: `${describe(read)} shows what ${describe(write)} cannot have stored` });
    }
  }
  return { reads: [...reads, ...earliest.values()], wrong };
}

function readResultOf(result: NonNullable<RegisterRequest["result"]>): ReadResult | undefined {
  if (result.type === "unknown" || result.revision === undefined) return undefined;
  if (result.type === "ok" && result.revision === 0) return { type: "nothing" };
  const { revision, token, state } = result;
  if (token === undefined || state === undefined) return undefined;
  return { type: "held", revision, value: recordName(token, state) };
}

/**
 * Leaves out writes without a response that nothing later shows: no client read them or wrote over them. They would explain
 * nothing, and there can be many.
 */
function withoutUnseen(
  writes: readonly ConditionalChange[],
  reads: readonly RegisterOperation[],
  written: ReadonlyMap<Revision, RegisterOperation>,
): readonly ConditionalChange[] {
  const shown = new Map<Revision, string>();
  for (const { answer } of reads) if (answer.type === "held") shown.set(answer.revision, answer.value);
  const seen = new Set(shown.values());
  // A process may write over its own revision that no recorded read shows.
  const unread = writes.flatMap(({ process, expected }) =>
    expected === 0 || written.has(expected) || shown.has(expected) ? [] : [process],
  );
  const authors = new Set(unread);
  return writes.filter(
    (write) =>
      write.call === "remove" || write.answer.type === "stored" || seen.has(write.value) || authors.has(write.process),
  );
}

const MAX_SHOWN = 6;

function explainOrder(order: readonly RegisterOperation[], stuck: readonly RegisterOperation[]): string {
  const before = order.slice(-MAX_SHOWN).map(describe);
  const after = stuck.slice(0, MAX_SHOWN).map(describe);
  return `No order explains the operations: after ${before.join(", ") || "nothing"}, none of these can follow: ${after.join(", ")}`;
}

function describe(operation: RegisterOperation): string {
  const { process, call, answer, invokedMs, returnedMs } = operation;
  const when = `[${invokedMs.toFixed(0)}, ${returnedMs.toFixed(0)}]`;
  const what = call === "put" ? ` ${operation.value} over ${operation.expected}` : "";
  const over = call === "remove" ? ` ${operation.expected}` : "";
  const shown = answer.type === "held" ? ` ${answer.value} at ${answer.revision}` : "";
  const revision = answer.type === "stored" ? ` as ${answer.revision}` : "";
  return `${process} ${call}${what}${over}: ${answer.type}${shown}${revision} ${when}`;
}
