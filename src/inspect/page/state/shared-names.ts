import type { KeyedIdentity } from "../../trace/trace-event.ts";

/** Shorter prefixes are shown, because leaving them out saves no room. */
const SHORTEST_PREFIX = 6;

/**
 * Returns the beginning that all names share, up to the end of a part, or an empty text. Names of one service often differ only at
 * their ends: `["//example.com/orders","…"]`, `orders-7d9f8b6c5-…`.
 */
export function sharedPrefix(names: Iterable<string>): string {
  let prefix: string | undefined;
  let isOnlyName = true;
  for (const name of names) {
    if (prefix === undefined) {
      prefix = name;
      continue;
    }
    if (isOnlyName && name === prefix) continue;
    isOnlyName = false;
    while (!name.startsWith(prefix)) prefix = prefix.slice(0, firstDifference(name, prefix));
    if (prefix.length < SHORTEST_PREFIX) return "";
  }
  if (prefix === undefined || isOnlyName) return "";
  const [whole = ""] = /^.*[^\p{L}\p{N}]/su.exec(prefix) ?? [];
  return whole.length < SHORTEST_PREFIX ? "" : whole;
}

function firstDifference(one: string, other: string): number {
  let index = 0;
  while (index < one.length && one[index] === other[index]) index += 1;
  return index;
}

/** Row of a table of keys. */
export interface NamedRow {
  readonly identity: KeyedIdentity;
  readonly owner: string;
}

/** Names that all rows of a table share. They are shown once, above the table. */
export interface SharedNames {
  /** Prefixes to leave out. */
  readonly eventPrefix: string;
  readonly ownerPrefix: string;
  /** Names that all rows have, which need no column; `undefined` if the rows differ. */
  readonly workspace: string | undefined;
  readonly subscription: string | undefined;
}

export function sharedNames(rows: readonly NamedRow[]): SharedNames {
  return {
    eventPrefix: sharedPrefix(eventIds(rows)),
    ownerPrefix: sharedPrefix(owners(rows)),
    workspace: onlyName(rows, ({ identity }) => identity.workspaceId),
    subscription: onlyName(rows, ({ identity }) => identity.subscriptionId),
  };
}

function* eventIds(rows: readonly NamedRow[]): Generator<string, void> {
  for (const { identity } of rows) yield identity.eventId;
}

function* owners(rows: readonly NamedRow[]): Generator<string, void> {
  for (const { owner } of rows) yield owner;
}

function onlyName(rows: readonly NamedRow[], nameOf: (row: NamedRow) => string): string | undefined {
  const [first] = rows;
  if (first === undefined || rows.length < 2) return undefined;
  const name = nameOf(first);
  return rows.every((row) => nameOf(row) === name) ? name : undefined;
}

/** Names in one line what all rows have in common, or returns an empty text. */
export function sharedWords({ workspace, subscription }: SharedNames): string {
  const parts = [
    ...(subscription ? [`subscription ${subscription}`] : []),
    ...(workspace ? [`workspace ${workspace}`] : []),
  ];
  return parts.length === 0 ? "" : `all in ${parts.join(", ")}`;
}
