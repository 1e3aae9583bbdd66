import type { Invoked } from "../../history/history.ts";
import type { OrderedLine } from "./history-order.ts";

/** A record that the store is known to have held. */
export interface KnownWrite {
  readonly revision: number;
  readonly token: string;
  /** The process that sent the write, or the owner in the record if no line shows the process. */
  readonly owner: string;
  readonly state: "reserved" | "committed";
  /** Fence in the record: 0 in the first write of a reservation, whose revision becomes the fence. */
  readonly fence: number;
  /** First line that shows the record: it was written by then. */
  readonly shownBy: OrderedLine;
  /** End of the lease or window, counted from when the write was first sent. No other owner may write to the key before. */
  readonly protectedUntilMs: number;
  /** Revision that the writer expected, if the store acknowledged the write to it. */
  readonly expected?: number;
  readonly removed?: KnownRemoval;
  /** True if a removal was requested and its result is unknown. */
  readonly mayBeRemoved?: true;
}

/** The first line that shows a removal, and its request if one was recorded. */
export interface KnownRemoval {
  readonly shownBy: OrderedLine;
  readonly request?: { readonly process: string; readonly operation: "release" | "clear" };
}

/** An operation on a key, with its result if one was recorded. */
export interface KeyRequest {
  readonly invoked: Invoked;
  readonly sentBy: OrderedLine;
  readonly result?: OrderedLine;
}

/** Everything that a history shows about one key. */
export interface KnownKey {
  /** The event id in the key's records; the key itself where no line shows a record. */
  readonly name: string;
  /** The subscription in the key's records, if an observer of the store recorded one. */
  readonly subscription: string | undefined;
  readonly requests: readonly KeyRequest[];
  /** Writes in the order of their revisions. */
  readonly writes: readonly KnownWrite[];
}

/**
 * Collects what the store held under each key, by key. The sources are the results of the clients' writes, their reads, and the
 * lines of an observer of the store. Each source may have gaps, and the last two arrive late.
 */
export function knownKeys(lines: readonly OrderedLine[]): ReadonlyMap<string, KnownKey> {
  return new Map(
    [...linesByKey(lines)].map(([key, { name, subscription, requests, reads, puts, removals }]) => {
      const writes = withRemovals(requests, removals, writesIn(requests, reads, puts));
      return [key, { name, subscription, requests, writes }];
    }),
  );
}

interface MutableRequest extends KeyRequest {
  result?: OrderedLine;
}

/** The lines about one key. */
interface KeyLines {
  name: string;
  subscription: string | undefined;
  readonly requests: MutableRequest[];
  readonly reads: ReadRecord[];
  readonly puts: OrderedLine[];
  readonly removals: OrderedLine[];
}

/** A record that the store returned to a client. */
interface ReadRecord {
  readonly revision: number;
  readonly token: string;
  readonly state: KnownWrite["state"];
  readonly shownBy: OrderedLine;
}

function linesByKey(lines: readonly OrderedLine[]): ReadonlyMap<string, KeyLines> {
  const keys = new Map<string, KeyLines>();
  const operations = new Map<string, MutableRequest>();
  const linesOf = (key: string): KeyLines => {
    const known = keys.get(key) ?? {
      name: key,
      subscription: undefined,
      requests: [],
      reads: [],
      puts: [],
      removals: [],
    };
    keys.set(key, known);
    return known;
  };
  for (const ordered of lines) {
    const { line } = ordered;
    if (line.type === "invoke") {
      const request: MutableRequest = { invoked: line, sentBy: ordered };
      const ofKey = linesOf(line.key);
      ofKey.name = line.event ?? ofKey.name;
      ofKey.requests.push(request);
      operations.set(`${line.process} ${line.op}`, request);
    } else if (line.type === "ok" || line.type === "fail" || line.type === "unknown") {
      const request = operations.get(`${line.process} ${line.op}`);
      if (request === undefined) continue;
      request.result ??= ordered;
      if (line.type === "unknown") continue;
      const { revision, token, state } = line;
      if (revision === undefined || token === undefined || state === undefined) continue;
      linesOf(request.invoked.key).reads.push({ revision, token, state, shownBy: ordered });
    } else if (line.type === "store.held") {
      const ofKey = linesOf(line.key);
      ofKey.puts.push(ordered);
      if (!("record" in line)) continue;
      if (ofKey.name === line.key) ofKey.name = line.record.eventId;
      ofKey.subscription = line.record.subscriptionId;
    } else if (line.type === "store.removed") linesOf(line.key).removals.push(ordered);
  }
  return keys;
}

const states: Partial<Readonly<Record<Invoked["operation"], KnownWrite["state"]>>> = {
  reserve: "reserved",
  renew: "reserved",
  commit: "committed",
};

function writesIn(
  requests: readonly KeyRequest[],
  reads: readonly ReadRecord[],
  puts: readonly OrderedLine[],
): KnownWrite[] {
  const writes = new Map<number, KnownWrite>();
  /** Time at which each token's unacknowledged write was first sent. */
  const sentMs = new Map<string, number>();
  const windowMs = new Map<string, number>();
  for (const { invoked, sentBy, result } of requests) {
    const { token, fence = 0, leaseMs = 0, ttlMs = 0, expected = 0 } = invoked;
    const state = states[invoked.operation];
    if (state === undefined || token === undefined) continue;
    const { process: owner, atMs } = sentBy.line;
    const firstSentMs = sentMs.get(token) ?? atMs;
    sentMs.set(token, firstSentMs);
    if (state === "committed") windowMs.set(token, ttlMs);
    if (result?.line.type !== "ok" || result.line.revision === undefined) continue;
    sentMs.delete(token);
    const { revision } = result.line;
    const protectedUntilMs = firstSentMs + (state === "reserved" ? leaseMs : ttlMs);
    writes.set(revision, { revision, token, owner, state, fence, shownBy: result, protectedUntilMs, expected });
  }
  for (const { revision, token, state, shownBy } of reads.toSorted((a, b) => a.revision - b.revision)) {
    const request = requests.find(({ invoked }) => invoked.token === token);
    if (request === undefined || writes.has(revision)) continue;
    const first = [...writes.values()].find((write) => write.token === token && write.fence === 0);
    const lastsMs = state === "reserved" ? (request.invoked.leaseMs ?? 0) : (windowMs.get(token) ?? 0);
    const protectedUntilMs = (sentMs.get(token) ?? Number.NEGATIVE_INFINITY) + lastsMs;
    const { process: owner } = request.sentBy.line;
    writes.set(revision, { revision, token, owner, state, fence: first?.revision ?? 0, shownBy, protectedUntilMs });
  }
  for (const shownBy of puts) {
    if (shownBy.line.type !== "store.held" || !("record" in shownBy.line)) continue;
    const { revision, record } = shownBy.line;
    const known = writes.get(revision);
    if (known !== undefined && known.shownBy.position < shownBy.position) continue;
    const { token, state, fence, leaseMs } = record;
    const request = requests.find(({ invoked }) => invoked.token === token);
    const owner = request?.sentBy.line.process ?? record.owner;
    const firstSentMs = sentMs.get(token) ?? Number.NEGATIVE_INFINITY;
    const lastsMs = state === "reserved" ? leaseMs : (windowMs.get(token) ?? 0);
    const protectedUntilMs = known?.protectedUntilMs ?? firstSentMs + lastsMs;
    writes.set(revision, { ...known, revision, token, owner, state, fence, shownBy, protectedUntilMs });
  }
  return [...writes.values()].sort((a, b) => a.revision - b.revision);
}

function withRemovals(
  requests: readonly KeyRequest[],
  removals: readonly OrderedLine[],
  writes: readonly KnownWrite[],
): readonly KnownWrite[] {
  const requested = requests.flatMap(({ invoked: { operation, expected }, sentBy, result }) =>
    operation === "release" || operation === "clear"
      ? [{ operation, expected, process: sentBy.line.process, result }]
      : [],
  );
  return writes.map((write, index) => {
    const next = writes[index + 1]?.revision ?? Number.POSITIVE_INFINITY;
    const request = requested.find(
      ({ expected, result }) => expected === write.revision && result?.line.type !== "fail",
    );
    const observed = removals.find(
      ({ line }) => line.type === "store.removed" && line.revision > write.revision && line.revision < next,
    );
    const acknowledged = request?.result?.line.type === "ok" ? request.result : undefined;
    const isObservedFirst = acknowledged === undefined || (observed?.position ?? 0) < acknowledged.position;
    const shownBy = observed !== undefined && isObservedFirst ? observed : acknowledged;
    if (shownBy === undefined) {
      return requested.some(({ expected }) => expected === write.revision) ? { ...write, mayBeRemoved: true } : write;
    }
    return { ...write, removed: request === undefined ? { shownBy } : { shownBy, request } };
  });
}
