import type { History, HistoryLine, Operation } from "../../src/history/history.ts";
import type { Account } from "./campaign.ts";
import { deliveriesIn } from "./delivery-number.ts";
import type { Booked } from "./endpoint-books.ts";
import type { Evidence } from "./evidence.ts";
import { isOnceAndForAll } from "./producer.ts";

/** What there was in a campaign, counted. */
export type Tally = ReadonlyMap<string, number>;

/** Counts what happened, from what was written down. */
export function tallyOf(account: Account, { history, books }: Evidence): Tally {
  const tally = new Map<string, number>();
  for (const name of history.flatMap(countedAs)) tally.set(name, (tally.get(name) ?? 0) + 1);
  const keys = new Set(history.flatMap((line) => (line.type === "invoke" ? [line.key] : [])));
  return new Map([
    ["events published", account.published.size],
    ["messages published", [...account.published.values()].reduce((sum, times) => sum + times, 0)],
    ["keys", keys.size],
    ...[...tally].sort(([one], [other]) => one.localeCompare(other)),
    ["takeovers of a reservation that had ended", takeovers(history)],
    ["reads that were out of date", outdatedReads(history)],
    ["writes that were refused, and stored all the same", storedThoughRefused(history)],
    ["dispatches begun, as the endpoint saw it", books.filter(({ phase }) => phase === "begin").length],
    ["dispatches ended well, as the endpoint saw it", books.filter(({ phase }) => phase === "end").length],
    ["events of one window whose dispatch ended well twice or oftener", repeated(books)],
    ["worker processes", account.processes],
  ]);
}

/** What a line counts as, if anything. */
function countedAs(line: HistoryLine): readonly string[] {
  if (line.type === "invoke") return ["operations of the store"];
  if (line.type === "fail")
    return [`operations of the store: ${line.because === "conflict" ? "conflicts" : "refused"}`];
  if (line.type === "unknown") return ["operations of the store: no answer"];
  if (line.type === "delivered") return ["deliveries", ...(deliveriesIn(line.delivery) > 1 ? ["redeliveries"] : [])];
  if (line.type === "effect.told") return ["signals fired"];
  if (line.type === "effect.ended" && line.failed) return ["dispatches that failed"];
  if (line.type !== "answered") return [];
  if (line.answer === "put back") return [`put back: ${line.because}`];
  return [line.because === "duplicate" ? "duplicates suppressed" : `dispatched: ${line.commit ?? "unknown"}`];
}

function repeated(books: readonly Booked[]): number {
  const times = new Map<string, number>();
  for (const { phase, event } of books) {
    if (phase === "end" && isOnceAndForAll(event)) times.set(event, (times.get(event) ?? 0) + 1);
  }
  return [...times.values()].filter((count) => count > 1).length;
}

const reservations: ReadonlySet<Operation> = new Set<Operation>(["reserve", "renew"]);

interface Written {
  readonly revision: number;
  readonly token: string;
  readonly isReservation: boolean;
  readonly ackedMs: number;
}

/** What was acknowledged of each key, by revision. */
function writesOf(history: History): ReadonlyMap<string, readonly Written[]> {
  const asked = new Map<string, { readonly key: string; readonly token: string; readonly operation: Operation }>();
  const byKey = new Map<string, Written[]>();
  for (const line of history) {
    if (line.type === "invoke" && line.token !== undefined) {
      const { key, token, operation } = line;
      asked.set(`${line.process} ${line.op}`, { key, token, operation });
    } else if (line.type === "ok" && line.revision !== undefined) {
      const question = asked.get(`${line.process} ${line.op}`);
      if (question === undefined) continue;
      const { key, token, operation } = question;
      const writes = byKey.get(key) ?? [];
      byKey.set(key, writes);
      writes.push({ revision: line.revision, token, isReservation: reservations.has(operation), ackedMs: line.atMs });
    }
  }
  for (const writes of byKey.values()) writes.sort((one, other) => one.revision - other.revision);
  return byKey;
}

/** How often a reservation followed on another one that its holder had neither committed nor given back. */
function takeovers(history: History): number {
  const released = new Set<string>();
  for (const line of history) {
    if (line.type === "invoke" && line.operation === "release") released.add(`${line.key} ${line.expected}`);
  }
  let count = 0;
  for (const [key, writes] of writesOf(history)) {
    writes.forEach(({ token, isReservation }, index) => {
      const before = writes[index - 1];
      if (!isReservation || before === undefined || !before.isReservation || before.token === token) return;
      if (!released.has(`${key} ${before.revision}`)) count += 1;
    });
  }
  return count;
}

/** How many reads showed what had been written over, by a write that was acknowledged before they were sent. */
function outdatedReads(history: History): number {
  const writes = writesOf(history);
  const sent = new Map<string, { readonly key: string; readonly atMs: number }>();
  let count = 0;
  for (const line of history) {
    if (line.type === "invoke" && line.operation === "read") {
      sent.set(`${line.process} ${line.op}`, { key: line.key, atMs: line.atMs });
    } else if (line.type === "ok" && line.revision !== undefined && line.revision > 0) {
      const read = sent.get(`${line.process} ${line.op}`);
      if (read === undefined) continue;
      const { revision } = line;
      if (writes.get(read.key)?.some((write) => write.revision > revision && write.ackedMs < read.atMs)) count += 1;
    }
  }
  return count;
}

/** How many records were read under a revision that nobody was told of, and that no write without an answer can have left there. */
function storedThoughRefused(history: History): number {
  const recordOf = (token: string, state: string): string => `${state} ${token}`;
  const asked = new Map<string, { readonly record: string; isAnswered: boolean }>();
  const acknowledged = new Set<number>();
  const shown = new Map<number, string>();
  for (const line of history) {
    if (line.type === "invoke" && line.token !== undefined) {
      const record = recordOf(line.token, line.operation === "commit" ? "committed" : "reserved");
      asked.set(`${line.process} ${line.op}`, { record, isAnswered: false });
    } else if (line.type === "ok" || line.type === "fail") {
      const write = asked.get(`${line.process} ${line.op}`);
      if (write !== undefined) write.isAnswered = true;
      if (line.revision === undefined) continue;
      if (line.token !== undefined) shown.set(line.revision, recordOf(line.token, line.state ?? "reserved"));
      else if (line.type === "ok") acknowledged.add(line.revision);
    }
  }
  const inDoubt = new Set([...asked.values()].filter(({ isAnswered }) => !isAnswered).map(({ record }) => record));
  for (const revision of acknowledged) shown.delete(revision);
  return [...shown.values()].filter((record) => !inDoubt.has(record)).length;
}
