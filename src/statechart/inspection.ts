import type { InspectionEvent } from "xstate";
import { callListener } from "../internal/call-listener.ts";
import { callable, objectWith } from "../internal/validate.ts";

/** Receives XState's inspection events: a function, or an object with `next`. */
export type InspectionObserver =
  | ((event: InspectionEvent) => void)
  | { readonly next: (event: InspectionEvent) => void };

/** @throws {TypeError} for anything else. */
export function checkObserver(field: string, observer: InspectionObserver): InspectionObserver {
  if (typeof observer !== "function") {
    objectWith(field, observer);
    callable(`${field}.next`, observer.next);
  }
  return observer;
}

/** Returns the observer as a function whose errors become uncaught exceptions of the process, and reach no actor. */
export function isolated(observer: InspectionObserver): (event: InspectionEvent) => void {
  const listener = typeof observer === "function" ? observer : (event: InspectionEvent) => observer.next(event);
  return (event) => callListener(listener, event);
}
