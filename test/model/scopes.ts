import { type Scope, scopeOf, UNLIMITED } from "./scope.ts";
import type { Transition } from "./stepped-machine.ts";

/** Larger than all other scopes together, so it has a file of its own, which another worker can run. */
export const largestScope: Scope = scopeOf(4, { crash: 2, trouble: 1 });

/** Scopes to explore completely. The first has the most worlds; each other one reaches behaviour that no other does. */
export const scopes: readonly Scope[] = [
  scopeOf(3, { crash: 2, trouble: 1 }),
  scopeOf(3, { trouble: 2 }),
  scopeOf(3, { crash: 1, trouble: 1, slowness: 1 }),
  scopeOf(3, { crash: 1, trouble: 1, freeze: 1 }),
  scopeOf(3, { crash: 1, trouble: 1, "window end": 1 }),
  scopeOf(3, { crash: 1, clear: 1 }),
  scopeOf(3, { trouble: 1, shutdown: 1 }),
  scopeOf(3, { "stale read": 2 }),
  scopeOf(3, { crash: 1, trouble: 1 }, { renews: false, canRemove: false }),
  scopeOf(2, { crash: 1, trouble: 1, "stale read": 3 }),
  scopeOf(2, { crash: 1, "stale read": 2, "false refusal": 2 }),
  scopeOf(2, { crash: 1, trouble: 1, "broken answer": 1 }),
  scopeOf(2, { crash: 1, trouble: 2, shutdown: 1 }, { mayDispatchUnprotected: true }),
  scopeOf(2, { trouble: 2, slowness: 1 }, { explainsConflicts: "sometimes" }),
];

/** Scopes for transitions that no other scope reaches. Each is named after its transitions. */
export const scopesForOneTransition: ReadonlyArray<{ readonly reaches: string; readonly scope: Scope }> = [
  {
    reaches: "a claim exceeds its retries because its answers arrive late",
    scope: scopeOf(1, { slowness: UNLIMITED }),
  },
  {
    reaches: "a claim exceeds its retries because reads show nothing",
    scope: scopeOf(2, { crash: 1, "stale read": UNLIMITED }),
  },
  {
    reaches: "a key is cleared, or its read is stale, during the release",
    scope: scopeOf(2, { shutdown: 1, clear: 1, "stale read": 1 }),
  },
  {
    reaches: "a renewal finds that its reservation was cleared",
    scope: scopeOf(2, { shutdown: 1, clear: 1, trouble: 1 }, { explainsConflicts: "sometimes" }),
  },
  {
    reaches: "a read or a refusal shows the previous record",
    scope: scopeOf(
      2,
      { "window end": 1, "stale read": 1, "false refusal": 1, shutdown: 1 },
      { explainsConflicts: "sometimes" },
    ),
  },
  { reaches: "a key cannot be released at shutdown", scope: scopeOf(2, { shutdown: 1 }, { canRemove: false }) },
];

/** Returns why a transition that a state inherits from its parent can never be taken in that state. */
export function reasonNotTaken(leaf: string, { eventType, guard }: Transition): string | undefined {
  const event = eventType;
  const isAnswer = /^(write|found|store|removed|unremovable)/.test(event);
  if (isAnswer && /\.backingOff$|reserved\.dispatching\.running$/.test(leaf)) return "no request is in flight";
  const isWriting = /\.(renewing|writing|removing)$/.test(leaf);
  if (isWriting && event === "found.nothing" && guard === "holdsNothing") {
    return "a write that expects no record is not refused while the key is empty";
  }
  if (/expired\.dispatching\.(removing|reading)$/.test(leaf) && event === "handler.failed" && guard !== undefined) {
    return "at shutdown, only a key that is known to be held is released";
  }
  return undefined;
}
