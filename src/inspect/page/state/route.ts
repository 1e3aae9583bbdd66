/** The view that the page shows. */
export type Route =
  | { readonly view: "overview" }
  | { readonly view: "in-flight" }
  | { readonly view: "totals" }
  | { readonly view: "event"; readonly storeKey: string };

/** Reads the part of an address after the `#`: a route, or the token with which the page was opened. */
export function routeOf(hash: string): Route {
  const [, view = "", storeKey = ""] = hash.split("/");
  switch (view) {
    case "in-flight":
    case "totals":
      return { view };
    case "event":
      return { view, storeKey: decoded(storeKey) };
    default:
      return { view: "overview" };
  }
}

export function hashOf(route: Route): string {
  if (route.view === "overview") return "#/";
  return route.view === "event" ? `#/event/${encodeURIComponent(route.storeKey)}` : `#/${route.view}`;
}

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
