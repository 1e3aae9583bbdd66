import type { InspectionEvent } from "xstate";
import { callListener } from "../internal/call-listener.ts";
import { callable, objectWith } from "../internal/validate.ts";

/** Hears what XState's actors do: a function, or an observer with `next`. */
export type InspectionObserver =
  | ((event: InspectionEvent) => void)
  | { readonly next: (event: InspectionEvent) => void };

/** @throws {TypeError} for anything else. */
export function checkObserver(field: string, inspector: InspectionObserver): InspectionObserver {
  if (typeof inspector !== "function") {
    objectWith(field, inspector);
    callable(`${field}.next`, inspector.next);
  }
  return inspector;
}

/** The inspector as a function; what it throws is an uncaught exception of the process, and reaches no actor. */
export function isolated(inspector: InspectionObserver): (event: InspectionEvent) => void {
  const listener = typeof inspector === "function" ? inspector : (event: InspectionEvent) => inspector.next(event);
  return (event) => callListener(listener, event);
}
