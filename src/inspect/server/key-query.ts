/** Filter, order and page of the table of all keys. The page's address and the request contain the same parameters. */
export interface KeyQuery {
  /** Parts of ids and names, in any case. An empty text matches everything. */
  readonly workspace: string;
  readonly subscription: string;
  readonly event: string;
  readonly owner: string;
  /** Part of the error of a failed event. */
  readonly error: string;
  readonly state: (typeof KEY_STATES)[number] | "";
  readonly sort: KeyColumn;
  readonly isDown: boolean;
  /** Number of the page, counted from 1. */
  readonly page: number;
}

/** States to filter by. `failed` selects empty keys whose last dispatch failed, instead of keys. */
export const KEY_STATES = ["reserved", "committed", "failed"] as const;

export const KEY_COLUMNS = [
  "written",
  "event",
  "subscription",
  "workspace",
  "owner",
  "attempt",
  "fence",
  "state",
] as const;
export type KeyColumn = (typeof KEY_COLUMNS)[number];

/** Number of keys on a page. */
export const KEYS_PER_PAGE = 100;

/** All keys, latest first. */
export const ALL_KEYS: KeyQuery = {
  workspace: "",
  subscription: "",
  event: "",
  owner: "",
  error: "",
  state: "",
  sort: "written",
  isDown: true,
  page: 1,
};

/** Reads a query. Missing and invalid parameters have their defaults. */
export function parseKeyQuery(params: URLSearchParams): KeyQuery {
  const textOf = (name: string): string => params.get(name) ?? "";
  const page = Number(textOf("page"));
  return {
    workspace: textOf("workspace"),
    subscription: textOf("subscription"),
    event: textOf("event"),
    owner: textOf("owner"),
    error: textOf("error"),
    state: KEY_STATES.find((state) => state === textOf("state")) ?? "",
    sort: KEY_COLUMNS.find((column) => column === textOf("sort")) ?? ALL_KEYS.sort,
    isDown: textOf("order") !== "up",
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

/** Writes a query without the parameters that have their defaults. */
export function formatKeyQuery(query: KeyQuery): string {
  const { isDown, page, sort, ...texts } = query;
  const params = new URLSearchParams(Object.entries(texts).filter(([, text]) => text !== ""));
  if (sort !== ALL_KEYS.sort) params.set("sort", sort);
  if (!isDown) params.set("order", "up");
  if (page !== 1) params.set("page", String(page));
  return params.toString();
}
