import type { History, HistoryLine, Operation } from "../../src/history/history.ts";
import type { CampaignTotals } from "./campaign.ts";
import { deliveriesIn } from "./delivery-number.ts";
import type { EndpointRequest } from "./endpoint-request.ts";
import type { Logs } from "./logs.ts";
import { isDispatchedOnce } from "./producer.ts";

/** Number of occurrences of each kind of event in a campaign. */
export type Statistics = ReadonlyMap<string, number>;

/** Counts the events of a campaign from its logs. */
export function statisticsOf(totals: CampaignTotals, { history, requests }: Logs): Statistics {
  const counts = new Map<string, number>();
  for (const name of history.flatMap(countedAs)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const keys = new Set(history.flatMap((line) => (line.type === "invoke" ? [line.key] : [])));
  return new Map([
    ["events published", totals.published.size],
    ["messages published", [...totals.published.values()].reduce((sum, times) => sum + times, 0)],
    ["keys", keys.size],
    ...[...counts].sort(([one], [other]) => one.localeCompare(other)),
    ["takeovers of an expired reservation", takeovers(history)],
    ["stale reads", staleReads(history)],
    ["writes that were rejected but stored", storedThoughRejected(history)],
    ["dispatches begun, seen by the endpoint", requests.filter(({ phase }) => phase === "begin").length],
    ["dispatches that succeeded, seen by the endpoint", requests.filter(({ phase }) => phase === "end").length],
    ["events whose dispatch succeeded more than once in a window", repeated(requests)],
    ["worker processes", totals.processes],
  ]);
}

/** Names of the counters that a line increments. */
function countedAs(line: HistoryLine): readonly string[] {
  if (line.type === "invoke") return ["store operations"];
  if (line.type === "fail") return [`store operations: ${line.because === "conflict" ? "conflicts" : "refused"}`];
  if (line.type === "unknown") return ["store operations: no answer"];
  if (line.type === "delivered") return ["deliveries", ...(deliveriesIn(line.delivery) > 1 ? ["redeliveries"] : [])];
  if (line.type === "effect.aborted") return ["signals fired"];
  if (line.type === "effect.ended" && line.failed) return ["dispatches that failed"];
  if (line.type !== "answered") return [];
  if (line.answer === "nak") return [`nak: ${line.because}`];
  return [line.because === "duplicate" ? "duplicates suppressed" : `dispatched: ${line.commit ?? "unknown"}`];
}

function repeated(requests: readonly EndpointRequest[]): number {
  const times = new Map<string, number>();
  for (const { phase, event } of requests) {
    if (phase === "end" && isDispatchedOnce(event)) times.set(event, (times.get(event) ?? 0) + 1);
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

/** Groups the acknowledged writes by key, in the order of their revisions. */
function writesOf(history: History): ReadonlyMap<string, readonly Written[]> {
  const invoked = new Map<string, { readonly key: string; readonly token: string; readonly operation: Operation }>();
  const byKey = new Map<string, Written[]>();
  for (const line of history) {
    if (line.type === "invoke" && line.token !== undefined) {
      const { key, token, operation } = line;
      invoked.set(`${line.process} ${line.op}`, { key, token, operation });
    } else if (line.type === "ok" && line.revision !== undefined) {
      const operationSent = invoked.get(`${line.process} ${line.op}`);
      if (operationSent === undefined) continue;
      const { key, token, operation } = operationSent;
      const writes = byKey.get(key) ?? [];
      byKey.set(key, writes);
      writes.push({ revision: line.revision, token, isReservation: reservations.has(operation), ackedMs: line.atMs });
    }
  }
  for (const writes of byKey.values()) writes.sort((one, other) => one.revision - other.revision);
  return byKey;
}

/** Counts reservations that replaced one that its holder had neither committed nor released. */
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

/** Counts reads that returned a record although its successor had been acknowledged before the read was sent. */
function staleReads(history: History): number {
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

/** Counts records whose revision was never acknowledged, and that no write without an answer can have stored. */
function storedThoughRejected(history: History): number {
  const recordOf = (token: string, state: string): string => `${state} ${token}`;
  const invoked = new Map<string, { readonly record: string; isAnswered: boolean }>();
  const acknowledged = new Set<number>();
  const shown = new Map<number, string>();
  for (const line of history) {
    if (line.type === "invoke" && line.token !== undefined) {
      const record = recordOf(line.token, line.operation === "commit" ? "committed" : "reserved");
      invoked.set(`${line.process} ${line.op}`, { record, isAnswered: false });
    } else if (line.type === "ok" || line.type === "fail") {
      const write = invoked.get(`${line.process} ${line.op}`);
      if (write !== undefined) write.isAnswered = true;
      if (line.revision === undefined) continue;
      if (line.token !== undefined) shown.set(line.revision, recordOf(line.token, line.state ?? "reserved"));
      else if (line.type === "ok") acknowledged.add(line.revision);
    }
  }
  const inDoubt = new Set([...invoked.values()].filter(({ isAnswered }) => !isAnswered).map(({ record }) => record));
  for (const revision of acknowledged) shown.delete(revision);
  return [...shown.values()].filter((record) => !inDoubt.has(record)).length;
}
