import { hashOf, type Route, routeOf } from "../state/route.ts";
import { route } from "./board.ts";

export function goTo(to: Route): void {
  location.hash = hashOf(to);
}

export function followAddress(): void {
  const follow = (): void => {
    route.value = routeOf(location.hash);
  };
  addEventListener("hashchange", follow);
  follow();
}
