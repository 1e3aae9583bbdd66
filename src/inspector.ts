import type { InspectionEvent } from "xstate";
import { callable, objectWith } from "./arguments.ts";
import { tell } from "./tell.ts";

/** Hears what XState's actors do: a function, or an observer with `next`. */
export type Inspector = ((event: InspectionEvent) => void) | { readonly next: (event: InspectionEvent) => void };

/** @throws {TypeError} for anything else. */
export function checkInspector(field: string, inspector: Inspector): Inspector {
  if (typeof inspector !== "function") {
    objectWith(field, inspector);
    callable(`${field}.next`, inspector.next);
  }
  return inspector;
}

/** The inspector as a function; what it throws is an uncaught exception of the process, and reaches no actor. */
export function harmless(inspector: Inspector): (event: InspectionEvent) => void {
  const listener = typeof inspector === "function" ? inspector : (event: InspectionEvent) => inspector.next(event);
  return (event) => tell(listener, event);
}
