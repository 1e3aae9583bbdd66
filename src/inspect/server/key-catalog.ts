import { hasCode } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import { fenceOf } from "../../model/record.ts";
import type { Entry } from "../../model/store.ts";
import type { KeyedIdentity } from "../trace/trace-event.ts";
import type { FailedDispatch } from "./failed-dispatches.ts";
import { KEYS_PER_PAGE, type KeyColumn, type KeyQuery } from "./key-query.ts";
import type { Redaction } from "./redaction.ts";
import type { KeyGroup, KeyPage, KeyRow, MatchingKey } from "./wire.ts";

interface Listing {
  readonly rows: readonly KeyRow[];
  readonly unreadable: string;
  readonly listedAtMs: number;
}

export interface KeyCatalogOptions {
  readonly list: () => AsyncIterable<Entry>;
  readonly failures: () => AsyncIterable<FailedDispatch> | Iterable<FailedDispatch>;
  readonly redaction: Redaction;
  readonly clock: Clock;
}

/** Answers queries about all keys of the store. Ids are matched and returned as redacted. */
export class KeyCatalog {
  readonly #options: KeyCatalogOptions;
  readonly #keys: Reused<Listing>;
  readonly #failed: Reused<Listing>;
  /** The events of the latest complete listing, unredacted. */
  #identities: ReadonlyMap<string, KeyedIdentity> = new Map();

  constructor(options: KeyCatalogOptions) {
    this.#options = options;
    this.#keys = new Reused(() => this.#readKeys(), options.clock);
    this.#failed = new Reused(() => this.#readFailed(), options.clock);
  }

  /** Returns one page of the matching keys, or of the failed events. */
  async query(query: KeyQuery): Promise<KeyPage> {
    const listing = query.state === "failed" ? this.#failed : this.#keys;
    const { rows, unreadable, listedAtMs } = await listing.get();
    const matching = rows.filter((row) => matches(row, query)).sort(comparison(query.sort, query.isDown));
    const from = (query.page - 1) * KEYS_PER_PAGE;
    return {
      rows: matching.slice(from, from + KEYS_PER_PAGE),
      groups: groupsOf(matching),
      total: rows.length,
      matching: matching.length,
      unreadable,
      listedAtMs,
    };
  }

  /** Returns all keys that match, whatever their page. */
  async matching(query: KeyQuery): Promise<readonly MatchingKey[]> {
    const { rows } = await this.#keys.get();
    return rows
      .filter((row) => matches(row, query))
      .map(({ identity, state, revision }) => ({ identity, state, revision }));
  }

  /** Returns the first keys and failed events whose id contains a text, latest first. */
  async search(text: string, limit: number): Promise<readonly KeyRow[]> {
    const found = (await this.#all()).filter(({ identity }) => contains(identity.eventId, text));
    return found.sort(comparison("written", true)).slice(0, limit);
  }

  /** Returns the keys of the same event in other subscriptions and workspaces, and where it failed. */
  async related({ storeKey, eventId }: KeyedIdentity): Promise<readonly KeyRow[]> {
    return (await this.#all()).filter(({ identity }) => identity.eventId === eventId && identity.storeKey !== storeKey);
  }

  /** Returns the event of a key as it was last listed. A bulk action asks for many keys, and a store may have to list to find one. */
  identityOf(storeKey: string): KeyedIdentity | undefined {
    return this.#identities.get(storeKey);
  }

  /** Discards the listing after a change. */
  invalidate(): void {
    this.#keys.invalidate();
  }

  async #all(): Promise<readonly KeyRow[]> {
    const [keys, failed] = await Promise.all([this.#keys.get(), this.#failed.get()]);
    return [...keys.rows, ...failed.rows];
  }

  async #readKeys(): Promise<Listing> {
    const { list, redaction, clock } = this.#options;
    const rows: KeyRow[] = [];
    const identities = new Map<string, KeyedIdentity>();
    let unreadable = "";
    try {
      for await (const entry of list()) {
        rows.push(rowOf(entry, redaction));
        identities.set(entry.key, identityIn(entry));
      }
    } catch (error) {
      // The store reports a record that cannot be read after all others.
      if (!hasCode(error, "record-unreadable")) throw error;
      unreadable = redaction.cause(error.message);
    }
    this.#identities = identities;
    return { rows, unreadable, listedAtMs: clock.wallMs() };
  }

  async #readFailed(): Promise<Listing> {
    const { failures, redaction, clock } = this.#options;
    const rows: KeyRow[] = [];
    for await (const { identity, owner, attempt, fence, atMs, error } of failures()) {
      const shown = { identity: redaction.identity(identity), error: redaction.cause(error) };
      rows.push({ ...shown, state: "failed", owner, attempt, fence, atMs, revision: 0 });
    }
    return { rows, unreadable: "", listedAtMs: clock.wallMs() };
  }
}

/** A listing is reused for this time, because every keystroke of a search asks for one. */
const LISTING_AGE_MS = 2_000;

/** Reads a value, and returns it again for a while. */
class Reused<Value> {
  readonly #read: () => Promise<Value>;
  readonly #clock: Clock;
  #value: Promise<Value> | undefined;
  #readAtMs = 0;

  constructor(read: () => Promise<Value>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  get(): Promise<Value> {
    const isFresh = this.#clock.monotonicMs() - this.#readAtMs < LISTING_AGE_MS;
    if (this.#value !== undefined && isFresh) return this.#value;
    const value = this.#read();
    this.#value = value;
    this.#readAtMs = this.#clock.monotonicMs();
    value.catch(() => this.invalidate());
    return value;
  }

  invalidate(): void {
    this.#value = undefined;
  }
}

function identityIn({ key, record: { workspaceId, subscriptionId, eventId } }: Entry): KeyedIdentity {
  return { storeKey: key, workspaceId, subscriptionId, eventId };
}

function rowOf(entry: Entry, redaction: Redaction): KeyRow {
  const { record, revision } = entry;
  const { state, owner, attempt, atMs } = record;
  const identity = redaction.identity(identityIn(entry));
  return { identity, state, owner, attempt, fence: fenceOf(record, revision), revision, atMs, error: "" };
}

function matches({ identity, owner, error, state }: KeyRow, query: KeyQuery): boolean {
  return (
    contains(identity.workspaceId, query.workspace) &&
    contains(identity.subscriptionId, query.subscription) &&
    contains(identity.eventId, query.event) &&
    contains(owner, query.owner) &&
    contains(error, query.error) &&
    (query.state === "" || state === query.state)
  );
}

const GROUPED = [
  ["error", ({ error }: KeyRow) => error],
  ["subscription", ({ identity }: KeyRow) => identity.subscriptionId],
  ["owner", ({ owner }: KeyRow) => owner],
] as const;
/** Number of names in a group. */
const MOST_NAMES = 5;

/** Counts the rows by the fields in which they differ. */
function groupsOf(rows: readonly KeyRow[]): readonly KeyGroup[] {
  return GROUPED.flatMap(([field, nameOf]) => {
    const counts = new Map<string, number>();
    for (const row of rows) counts.set(nameOf(row), (counts.get(nameOf(row)) ?? 0) + 1);
    if (counts.size < 2) return [];
    const names = [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count);
    return [{ field, names: names.slice(0, MOST_NAMES) }];
  });
}

function contains(text: string, part: string): boolean {
  return part === "" || text.toLowerCase().includes(part.toLowerCase());
}

const values: Readonly<Record<KeyColumn, (row: KeyRow) => string | number>> = {
  written: ({ atMs }) => atMs,
  event: ({ identity }) => identity.eventId,
  subscription: ({ identity }) => identity.subscriptionId,
  workspace: ({ identity }) => identity.workspaceId,
  owner: ({ owner }) => owner,
  attempt: ({ attempt }) => attempt,
  fence: ({ fence }) => fence,
  state: ({ state }) => state,
};

/** Compares by a column, then by key, so that pages never overlap. */
function comparison(column: KeyColumn, isDown: boolean): (one: KeyRow, other: KeyRow) => number {
  const sign = isDown ? -1 : 1;
  const value = values[column];
  return (one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a !== b) return a < b ? -sign : sign;
    return one.identity.storeKey < other.identity.storeKey ? -1 : 1;
  };
}
