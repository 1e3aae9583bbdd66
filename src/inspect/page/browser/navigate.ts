import { hashOf, type Route, routeOf } from "../state/route.ts";
import { route } from "./page-state.ts";

export function goTo(to: Route): void {
  location.hash = hashOf(to);
}

/** Keeps the route in step with the address. */
export function followAddress(): void {
  const follow = (): void => {
    route.value = routeOf(location.hash);
  };
  addEventListener("hashchange", follow);
  follow();
}
