import { hasCode } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import { fenceOf } from "../../model/record.ts";
import type { Entry } from "../../model/store.ts";
import type { EventRef } from "../trace/trace-event.ts";
import { KEYS_PER_PAGE, type KeyColumn, type KeyQuery } from "./key-query.ts";
import type { Redaction } from "./redaction.ts";
import type { KeyPage, KeyRow, MatchingKey } from "./wire.ts";

/** A listing is reused for this time, because every keystroke of a search asks for one. */
const LISTING_AGE_MS = 2_000;

interface Listing {
  readonly rows: readonly KeyRow[];
  readonly unreadable: string;
  readonly listedAtMs: number;
}

export interface KeyCatalogOptions {
  readonly list: () => AsyncIterable<Entry>;
  readonly redaction: Redaction;
  readonly clock: Clock;
}

/** Answers queries about all keys of the store. Ids are matched and returned as redacted. */
export class KeyCatalog {
  readonly #options: KeyCatalogOptions;
  #listing: Promise<Listing> | undefined;
  #listedAtMs = 0;
  /** The events of the latest complete listing, unredacted. */
  #identities: ReadonlyMap<string, EventRef> = new Map();

  constructor(options: KeyCatalogOptions) {
    this.#options = options;
  }

  /** Returns one page of the matching keys. */
  async query(query: KeyQuery): Promise<KeyPage> {
    const { rows, unreadable, listedAtMs } = await this.#list();
    const matching = rows.filter((row) => matches(row, query)).sort(comparison(query.sort, query.isDown));
    const from = (query.page - 1) * KEYS_PER_PAGE;
    return {
      rows: matching.slice(from, from + KEYS_PER_PAGE),
      total: rows.length,
      matching: matching.length,
      unreadable,
      listedAtMs,
    };
  }

  /** Returns all keys that match, whatever their page. */
  async matching(query: KeyQuery): Promise<readonly MatchingKey[]> {
    const { rows } = await this.#list();
    return rows
      .filter((row) => matches(row, query))
      .map(({ identity, state, revision }) => ({ identity, state, revision }));
  }

  /** Returns the first keys whose event id contains a text, latest first. */
  async search(text: string, limit: number): Promise<readonly KeyRow[]> {
    const { rows } = await this.#list();
    const found = rows.filter(({ identity }) => contains(identity.eventId, text));
    return found.sort(comparison("written", true)).slice(0, limit);
  }

  /** Returns the keys of the same event in other subscriptions and workspaces. */
  async related({ storeKey, eventId }: EventRef): Promise<readonly KeyRow[]> {
    const { rows } = await this.#list();
    return rows.filter(({ identity }) => identity.eventId === eventId && identity.storeKey !== storeKey);
  }

  /** Returns the event of a key as it was last listed. A bulk action asks for many keys, and a store may have to list to find one. */
  identityOf(storeKey: string): EventRef | undefined {
    return this.#identities.get(storeKey);
  }

  /** Discards the listing after a change. */
  invalidate(): void {
    this.#listing = undefined;
  }

  #list(): Promise<Listing> {
    const { clock } = this.#options;
    const isFresh = clock.monotonicMs() - this.#listedAtMs < LISTING_AGE_MS;
    if (this.#listing !== undefined && isFresh) return this.#listing;
    const listing = this.#read();
    this.#listing = listing;
    this.#listedAtMs = clock.monotonicMs();
    listing.catch(() => this.invalidate());
    return listing;
  }

  async #read(): Promise<Listing> {
    const { list, redaction, clock } = this.#options;
    const rows: KeyRow[] = [];
    const identities = new Map<string, EventRef>();
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
}

function identityIn({ key, record: { workspaceId, subscriptionId, eventId } }: Entry): EventRef {
  return { storeKey: key, workspaceId, subscriptionId, eventId };
}

function rowOf(entry: Entry, redaction: Redaction): KeyRow {
  const { record, revision } = entry;
  const { state, owner, attempt, leaseMs, atMs } = record;
  const identity = redaction.identity(identityIn(entry));
  return { identity, state, owner, attempt, fence: fenceOf(record, revision), revision, leaseMs, atMs };
}

function matches({ identity, owner, state }: KeyRow, query: KeyQuery): boolean {
  return (
    contains(identity.workspaceId, query.workspace) &&
    contains(identity.subscriptionId, query.subscription) &&
    contains(identity.eventId, query.event) &&
    contains(owner, query.owner) &&
    (query.state === "" || state === query.state)
  );
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
