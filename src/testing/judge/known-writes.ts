import type { Invoked } from "../../history/history.ts";
import type { Placed } from "./history-order.ts";

/** A record that the store is known to have held. */
export interface Write {
  readonly revision: number;
  readonly token: string;
  readonly owner: string;
  readonly state: "reserved" | "committed";
  /** The fence as the record has it: 0 in the first write of a reservation, which is its own. */
  readonly fence: number;
  /** The first line that shows it: it had been written by then. */
  readonly shown: Placed;
  /** Nobody else may have the key before: a lease, or a window, counted from when the write was first sent. */
  readonly standsUntilMs: number;
  /** The revision that the writer expected, where it was told that its write stands. */
  readonly over?: number;
  readonly removed?: Removal;
  /** A removal was asked for of which nobody knows that it was done. */
  readonly mayBeRemoved?: true;
}

/** The first line that shows a removal, and who asked for it how, where that was recorded. */
export interface Removal {
  readonly shown: Placed;
  readonly request?: { readonly process: string; readonly operation: "release" | "clear" };
}

/**
 * What the store held of each event, in the order of revisions: put together from what clients were told of their writes, from
 * what they read, and from what an observer of the store saw. Each may have gaps, and the last two come late.
 */
export function knownWrites(lines: readonly Placed[]): ReadonlyMap<string, readonly Write[]> {
  return new Map(aboutKeys(lines).map((about) => [about.event, removalsIn(about, writesIn(about))]));
}

/** An operation that was sent; without an answer nobody knows whether it was done. */
interface Asked {
  readonly invoked: Invoked;
  readonly process: string;
  readonly sentMs: number;
  answer?: Placed;
}

/** The lines about one key. */
interface About {
  event: string;
  readonly asked: Asked[];
  readonly read: Read[];
  readonly held: Placed[];
  readonly removed: Placed[];
}

/** What a client was shown: somebody had written it by then. */
interface Read {
  readonly revision: number;
  readonly token: string;
  readonly state: Write["state"];
  readonly shown: Placed;
}

function aboutKeys(lines: readonly Placed[]): readonly About[] {
  const keys = new Map<string, About>();
  const operations = new Map<string, Asked>();
  const of = (key: string): About => {
    const about = keys.get(key) ?? { event: key, asked: [], read: [], held: [], removed: [] };
    keys.set(key, about);
    return about;
  };
  for (const placed of lines) {
    const { line } = placed;
    if (line.type === "invoke") {
      const asked: Asked = { invoked: line, process: line.process, sentMs: line.atMs };
      const about = of(line.key);
      about.event = line.event ?? about.event;
      about.asked.push(asked);
      operations.set(`${line.process} ${line.op}`, asked);
    } else if (line.type === "ok" || line.type === "fail" || line.type === "unknown") {
      const asked = operations.get(`${line.process} ${line.op}`);
      if (asked === undefined) continue;
      asked.answer ??= placed;
      if (line.type === "unknown") continue;
      const { revision, token, state } = line;
      if (revision === undefined || token === undefined || state === undefined) continue;
      of(asked.invoked.key).read.push({ revision, token, state, shown: placed });
    } else if (line.type === "store.held") {
      const about = of(line.key);
      if ("record" in line && about.event === line.key) about.event = line.record.eventId;
      about.held.push(placed);
    } else if (line.type === "store.removed") of(line.key).removed.push(placed);
  }
  return [...keys.values()];
}

const states: Partial<Readonly<Record<Invoked["operation"], Write["state"]>>> = {
  reserve: "reserved",
  renew: "reserved",
  commit: "committed",
};

function writesIn({ asked, read, held }: About): readonly Write[] {
  const writes = new Map<number, Write>();
  /** Since when a write is under way of which its token was not yet told that it stands. */
  const sinceMs = new Map<string, number>();
  const windowMs = new Map<string, number>();
  for (const { invoked, process, sentMs, answer } of asked) {
    const { token, fence = 0, leaseMs = 0, ttlMs = 0, expected: over = 0 } = invoked;
    const state = states[invoked.operation];
    if (state === undefined || token === undefined) continue;
    const firstSentMs = sinceMs.get(token) ?? sentMs;
    sinceMs.set(token, firstSentMs);
    if (state === "committed") windowMs.set(token, ttlMs);
    if (answer?.line.type !== "ok" || answer.line.revision === undefined) continue;
    sinceMs.delete(token);
    const { revision } = answer.line;
    const standsUntilMs = firstSentMs + (state === "reserved" ? leaseMs : ttlMs);
    writes.set(revision, { revision, token, owner: process, state, fence, shown: answer, standsUntilMs, over });
  }
  for (const { revision, token, state, shown } of read.toSorted((a, b) => a.revision - b.revision)) {
    const writer = asked.find(({ invoked }) => invoked.token === token);
    if (writer === undefined || writes.has(revision)) continue;
    const claim = [...writes.values()].find((write) => write.token === token && write.fence === 0);
    const lastsMs = state === "reserved" ? (writer.invoked.leaseMs ?? 0) : (windowMs.get(token) ?? 0);
    const standsUntilMs = (sinceMs.get(token) ?? Number.NEGATIVE_INFINITY) + lastsMs;
    const { process: owner } = writer;
    writes.set(revision, { revision, token, owner, state, fence: claim?.revision ?? 0, shown, standsUntilMs });
  }
  for (const shown of held) {
    if (shown.line.type !== "store.held" || !("record" in shown.line)) continue;
    const { revision, record } = shown.line;
    const told = writes.get(revision);
    if (told !== undefined && told.shown.place < shown.place) continue;
    const { token, owner, state, fence, leaseMs } = record;
    const firstSentMs = sinceMs.get(token) ?? Number.NEGATIVE_INFINITY;
    const lastsMs = state === "reserved" ? leaseMs : (windowMs.get(token) ?? 0);
    const standsUntilMs = told?.standsUntilMs ?? firstSentMs + lastsMs;
    writes.set(revision, { ...told, revision, token, owner, state, fence, shown, standsUntilMs });
  }
  return [...writes.values()].sort((a, b) => a.revision - b.revision);
}

function removalsIn({ asked, removed }: About, writes: readonly Write[]): readonly Write[] {
  const requests = asked.flatMap(({ invoked: { operation, expected }, process, answer }) =>
    operation === "release" || operation === "clear" ? [{ operation, expected, process, answer }] : [],
  );
  return writes.map((write, index) => {
    const next = writes[index + 1]?.revision ?? Number.POSITIVE_INFINITY;
    const request = requests.find(
      ({ expected, answer }) => expected === write.revision && answer?.line.type !== "fail",
    );
    const seen = removed.find(
      ({ line }) => line.type === "store.removed" && line.revision > write.revision && line.revision < next,
    );
    const told = request?.answer?.line.type === "ok" ? request.answer : undefined;
    const shown = seen !== undefined && (told === undefined || seen.place < told.place) ? seen : told;
    if (shown === undefined) {
      return requests.some(({ expected }) => expected === write.revision) ? { ...write, mayBeRemoved: true } : write;
    }
    return { ...write, removed: request === undefined ? { shown } : { shown, request } };
  });
}
