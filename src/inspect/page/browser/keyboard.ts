import { signal } from "@preact/signals";
import { KEYS_ROUTE, type Route } from "../state/route.ts";
import { goTo } from "./navigate.ts";
import { session } from "./page-state.ts";
import { toggleTheme } from "./theme.ts";

export const isHelpOpen = signal(false);

interface Tab {
  readonly route: Route;
  readonly name: string;
}

const allTabs: readonly Tab[] = [
  { route: { view: "overview" }, name: "Overview" },
  { route: { view: "in-flight" }, name: "In flight" },
  { route: KEYS_ROUTE, name: "All keys" },
  { route: { view: "event", storeKey: "" }, name: "Event" },
  { route: { view: "totals" }, name: "Totals" },
  { route: { view: "dead" }, name: "Dead letters" },
];

/** Returns the tabs in the order of their number keys. */
export function tabs(): readonly Tab[] {
  const hasDeadLetters = session().source?.hasDeadLetters === true;
  return allTabs.filter(({ route }) => route.view !== "dead" || hasDeadLetters);
}

/** Handles keyboard shortcuts. */
export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const tab = tabs()[Number(event.key) - 1];
    if (tab !== undefined) goTo(tab.route);
    else if (event.key === "/") document.getElementById("search")?.focus();
    else if (event.key === "?") isHelpOpen.value = true;
    else if (event.key === "d") toggleTheme();
    else return;
    event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}
