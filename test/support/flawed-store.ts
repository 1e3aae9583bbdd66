import type { Clock } from "../../src/internal/clock.ts";
import { type KeyFilter, keyMatcher, type StoreKey } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { Change, Entry, Put, Removal, Revision, Store } from "../../src/model/store.ts";

/** Flaws of a store, each modelled on a real implementation. */
export const flaws = [
  "a create overwrites",
  "an update is not checked",
  "only an older revision is refused",
  "a missing key takes any revision",
  "the check and the write are two steps",
  "a conflict shows the record that was refused",
  "a conflict replaces the record",
  "revisions restart after a removal",
  "revisions restart after an expiry",
  "an update keeps its revision",
  "a key never expires",
  "a key expires early",
  "a time is rounded down to seconds",
  "an update keeps the first time",
  "an update drops the time",
  "an update keeps the longer time",
  "a conflict renews",
  "a removal is not checked",
  "a removal leaves the record",
  "a removal of nothing succeeds",
  "a tombstone blocks the next write",
  "a tombstone removes the next write",
  "an expired key can be updated",
  "an expired key blocks the next write",
  "records are shared with the writer",
  "records are shared with the reader",
  "results are lost",
  "keys that differ only by case collide",
  "ids lose non-ASCII characters",
  "the longest time is not kept",
  "a list ignores its filter",
  "a list shows expired entries",
  "a list ends after a page",
  "a list repeats updated entries",
  "a list lacks the latest write",
  "a watch ignores its filter",
  "a watch begins with existing entries",
  "a watch does not report removals",
  "a watch reports conflicts",
  "a watch does not end",
] as const;

export type Flaw = (typeof flaws)[number];

interface StoredRecord {
  readonly key: StoreKey;
  readonly record: DedupRecord;
  readonly revision: Revision;
  readonly endsMs: number;
}

/** Creates the simplest store, with one flaw if `flaw` is given. */
export function flawedStore(
  clock: Clock,
  flaw: Flaw | undefined,
): Required<Omit<Store, "close" | "failure" | "failures">> {
  const is = (one: Flaw): boolean => flaw === one;
  const held = new Map<string, StoredRecord>();
  const history: StoredRecord[] = [];
  const tombstones = new Map<string, number>();
  const listeners = new Set<(change: Change) => void>();
  let lastRevision = 0;

  const keepsExpired = [
    "an expired key blocks the next write",
    "an expired key can be updated",
    "a list shows expired entries",
  ].some((one) => one === flaw);
  const at = (key: StoreKey): string => (is("keys that differ only by case collide") ? key.toLowerCase() : key);
  const hasExpired = ({ endsMs }: StoredRecord): boolean => !is("a key never expires") && endsMs <= clock.monotonicMs();
  const copy = <Value>(value: Value): Value => structuredClone(value);

  const present = (key: StoreKey): StoredRecord | undefined => {
    const found = held.get(at(key));
    if (found === undefined || !hasExpired(found)) return found;
    if (keepsExpired) return undefined;
    held.delete(at(key));
    if (is("revisions restart after an expiry")) lastRevision = 0;
    return undefined;
  };
  const entryOf = ({ key, record, revision }: StoredRecord): Entry => ({
    key,
    record: is("records are shared with the reader") ? record : copy(record),
    revision,
  });
  const notify = (change: Change): void => {
    for (const listener of listeners) listener(change);
  };
  const stored = (record: DedupRecord): DedupRecord => {
    if (is("records are shared with the writer")) return record;
    if (is("results are lost")) {
      const { result: _, ...rest } = { result: undefined, ...record };
      return copy(rest);
    }
    if (is("ids lose non-ASCII characters")) return { ...copy(record), owner: record.owner.replace(/[^\n -~]/g, "?") };
    return copy(record);
  };
  const endOf = (before: StoredRecord | undefined, ttlMs: number): number => {
    const kept = is("a time is rounded down to seconds") ? Math.floor(ttlMs / 1_000) * 1_000 : ttlMs;
    const endsMs = clock.monotonicMs() + (is("a key expires early") ? kept * 0.7 : kept);
    if (before === undefined) return endsMs;
    if (is("an update keeps the first time")) return before.endsMs;
    if (is("an update drops the time")) return Number.POSITIVE_INFINITY;
    return is("an update keeps the longer time") ? Math.max(before.endsMs, endsMs) : endsMs;
  };
  const isExpected = (key: StoreKey, found: StoredRecord | undefined, expected: Revision): boolean => {
    const last = held.get(at(key));
    if (last !== undefined && found === undefined) {
      if (is("an expired key blocks the next write")) return false;
      if (is("an expired key can be updated")) return expected === last.revision || expected === 0;
    }
    if (is("a tombstone blocks the next write") && tombstones.has(at(key))) return false;
    if (is("a create overwrites") && expected === 0) return true;
    if (is("an update is not checked") && found !== undefined && expected !== 0) return true;
    if (is("only an older revision is refused") && found !== undefined) return expected >= found.revision;
    if (is("a missing key takes any revision") && found === undefined) return true;
    return expected === (found?.revision ?? 0);
  };

  const write = (key: StoreKey, record: DedupRecord, before: StoredRecord | undefined, ttlMs: number): Put => {
    const isUpdate = before !== undefined && is("an update keeps its revision");
    const revision = isUpdate ? before.revision : ++lastRevision;
    const now = { key, record: stored(record), revision, endsMs: endOf(before, ttlMs) };
    held.set(at(key), now);
    history.push(now);
    notify({ type: "put", entry: entryOf(now) });
    return { ok: true, revision };
  };

  return {
    maxWindowMs: 3_600_000,
    invalidation: { epoch: () => 0, invalidate: async () => {} },
    async put(key, record, { expected, ttlMs }) {
      if (ttlMs > 3_600_000 && !is("the longest time is not kept")) throw new RangeError("too long");
      const found = present(key);
      if (isExpected(key, found, expected)) {
        if (is("the check and the write are two steps")) await Promise.resolve();
        return write(key, record, found, ttlMs);
      }
      if (found === undefined) return { ok: false };
      if (is("a watch reports conflicts")) notify({ type: "put", entry: { key, record, revision: found.revision } });
      if (is("a conflict replaces the record")) held.set(at(key), { ...found, record });
      if (is("a conflict renews")) held.set(at(key), { ...found, endsMs: clock.monotonicMs() + ttlMs });
      const shown = is("a conflict shows the record that was refused") ? record : found.record;
      return { ok: false, current: entryOf({ ...found, record: shown }) };
    },
    async get(key) {
      const tombstoneMs = tombstones.get(at(key));
      const found = present(key);
      if (found === undefined) return undefined;
      if (is("a tombstone removes the next write") && tombstoneMs !== undefined) {
        if (clock.monotonicMs() >= tombstoneMs + 1_000) return undefined;
      }
      return entryOf(found);
    },
    async remove(key, { expected }): Promise<Removal> {
      const found = present(key);
      if (found === undefined) return { ok: is("a removal of nothing succeeds") };
      if (found.revision !== expected && !is("a removal is not checked")) return { ok: false };
      if (!is("a removal leaves the record")) held.delete(at(key));
      lastRevision = is("revisions restart after a removal") ? 0 : lastRevision + 1;
      tombstones.set(at(key), clock.monotonicMs());
      if (!is("a watch does not report removals")) notify({ type: "removed", key, revision: lastRevision });
      return { ok: true };
    },
    async *list(filter: KeyFilter) {
      const matches = keyMatcher(filter);
      const all = is("a list repeats updated entries") ? history.filter(({ key }) => held.has(key)) : held.values();
      let count = 0;
      for (const found of all) {
        if (hasExpired(found) && !is("a list shows expired entries")) continue;
        if (!matches(found.key) && !is("a list ignores its filter")) continue;
        if (is("a list lacks the latest write") && found.revision === lastRevision) continue;
        count += 1;
        if (is("a list ends after a page") && count > 1_000) return;
        yield entryOf(found);
      }
    },
    async *watch(filter: KeyFilter, signal: AbortSignal) {
      const matches = keyMatcher(filter);
      const queue: Change[] = [];
      if (is("a watch begins with existing entries")) {
        for (const found of history) queue.push({ type: "put", entry: entryOf(found) });
      }
      let wake = (): void => {};
      const listener = (change: Change): void => {
        const key = change.type === "put" ? change.entry.key : change.key;
        if (matches(key) || is("a watch ignores its filter")) queue.push(change);
        wake();
      };
      listeners.add(listener);
      signal.addEventListener("abort", () => wake(), { once: true });
      try {
        while (!signal.aborted || is("a watch does not end")) {
          const change = queue.shift();
          if (change !== undefined) yield change;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        listeners.delete(listener);
      }
    },
  };
}
