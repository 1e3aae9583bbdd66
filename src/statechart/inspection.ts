import type { AnyStateMachine, InspectionEvent } from "xstate";
import { callListener } from "../internal/call-listener.ts";
import { objectWith } from "../internal/validate.ts";

/** Receives XState's inspection events: a function, or an object with `next`. */
export type InspectionObserver =
  | ((event: InspectionEvent) => void)
  | { readonly next: (event: InspectionEvent) => void };

/** The machine that inspected actors run, and the receiver of their inspection events. */
export interface Inspection<Machine extends AnyStateMachine = AnyStateMachine> {
  /** XState's own form of the machine. An import of it loads XState's interpreter, which nothing else needs. */
  readonly machine: Machine;
  /** Receiver of the inspection events of every actor. */
  readonly observer: InspectionObserver;
}

/** @throws {TypeError} for anything else. */
export function checkInspection(field: string, inspection: Inspection): Inspection {
  objectWith(field, inspection);
  const { machine, observer } = inspection;
  objectWith(`${field}.machine`, machine, "provide");
  if (typeof observer !== "function") objectWith(`${field}.observer`, observer, "next");
  return inspection;
}

/** Returns the observer as a function whose errors become uncaught exceptions of the process, and reach no actor. */
export function isolated(observer: InspectionObserver): (event: InspectionEvent) => void {
  const listener = typeof observer === "function" ? observer : (event: InspectionEvent) => observer.next(event);
  return (event) => callListener(listener, event);
}
