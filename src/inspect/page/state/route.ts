import { ALL_KEYS, formatKeyQuery, type KeyQuery, parseKeyQuery } from "../../server/key-query.ts";

/** The view that the page shows. */
export type Route =
  | { readonly view: "overview" }
  | { readonly view: "in-flight" }
  | { readonly view: "keys"; readonly query: KeyQuery }
  | { readonly view: "dead" }
  | { readonly view: "totals" }
  | { readonly view: "event"; readonly storeKey: string };

/** Reads the part of an address after the `#`: a route, or the token with which the page was opened. */
export function routeOf(hash: string): Route {
  const [path = "", search = ""] = hash.split("?", 2);
  const [, view = "", storeKey = ""] = path.split("/");
  switch (view) {
    case "keys":
      return { view, query: parseKeyQuery(new URLSearchParams(search)) };
    case "in-flight":
    case "dead":
    case "totals":
      return { view };
    case "event":
      return { view, storeKey: decoded(storeKey) };
    default:
      return { view: "overview" };
  }
}

export function hashOf(route: Route): string {
  switch (route.view) {
    case "overview":
      return "#/";
    case "event":
      return `#/event/${encodeURIComponent(route.storeKey)}`;
    case "keys": {
      const search = formatKeyQuery(route.query);
      return search === "" ? "#/keys" : `#/keys?${search}`;
    }
    case "in-flight":
    case "dead":
    case "totals":
      return `#/${route.view}`;
  }
}

/** The table of all keys without a filter. */
export const KEYS_ROUTE: Route = { view: "keys", query: ALL_KEYS };

export function tokenIn(hash: string): string | undefined {
  return /^#token=([\w-]+)$/.exec(hash)?.[1];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
