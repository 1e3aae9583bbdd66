import { describe, expect, it, vi } from "vitest";
import { createActor, type InspectionEvent, StateMachine } from "xstate";
import { dedupKeyMachine } from "../../machines/index.ts";
import type { InspectionObserver } from "../../src/statechart/inspection.ts";
import { commitEvent, duplicate, event, pending, resolved, unseen, world } from "../support/replicas.ts";
import { uncaughtDuring } from "../support/uncaught.ts";

/** Creates an observer that writes one line for each inspection event. */
function recordingObserver() {
  const lines: string[] = [];
  const observer = (inspected: InspectionEvent): void => {
    const id = "id" in inspected.actorRef ? inspected.actorRef.id : "";
    const detail =
      inspected.type === "@xstate.action" ? inspected.action.type : "event" in inspected ? inspected.event.type : "";
    lines.push(`${inspected.type} ${id} ${detail}`.trim());
  };
  return { lines, observer };
}

describe("an inspection observer", () => {
  it("receives the events, actions, microsteps and snapshots of the actor of a guard", async () => {
    const { lines, observer } = recordingObserver();
    const a = world().replica("a", { inspect: { machine: dedupKeyMachine, observer } });
    lines.length = 0;
    await commitEvent(a);
    const { key } = resolved;
    expect(lines).toEqual([
      `@xstate.actor ${key}`,
      `@xstate.event ${key} xstate.init`,
      `@xstate.action ${key} putReservation`,
      `@xstate.snapshot ${key} xstate.init`,
      `@xstate.event ${key} write.acked`,
      `@xstate.action ${key} armDeadline`,
      `@xstate.action ${key} startHandler`,
      `@xstate.microstep ${key} write.acked`,
      `@xstate.snapshot ${key} write.acked`,
      `@xstate.event ${key} handler.succeeded`,
      `@xstate.action ${key} putCommit`,
      `@xstate.microstep ${key} handler.succeeded`,
      `@xstate.snapshot ${key} handler.succeeded`,
      `@xstate.event ${key} write.acked`,
      `@xstate.action ${key} settle`,
      `@xstate.microstep ${key} write.acked`,
      `@xstate.event latchkey xstate.done.actor.${key}`,
      `@xstate.snapshot latchkey xstate.done.actor.${key}`,
      `@xstate.snapshot ${key} write.acked`,
    ]);
  });

  it("may be an object with `next`, like XState's observers", async () => {
    const { lines, observer } = recordingObserver();
    const a = world().replica("a", { inspect: { machine: dedupKeyMachine, observer: { next: observer } } });
    expect(lines[0]).toBe("@xstate.actor latchkey");
    await unseen(a.dedup.reserve(event));
    expect(lines.at(-1)).toBe(`@xstate.snapshot ${resolved.key} write.acked`);
  });

  it("receives nothing for a duplicate answered from memory, which has no actor", async () => {
    const { lines, observer } = recordingObserver();
    const a = world().replica("a", { inspect: { machine: dedupKeyMachine, observer } });
    await commitEvent(a);
    lines.length = 0;
    await duplicate(a.dedup.reserve(event));
    expect(lines).toEqual([]);
  });

  it("causes an uncaught exception when it throws, and disturbs no attempt", async () => {
    const { replica } = world();
    const trouble = new Error("inspected too closely");
    const observer = (): never => {
      throw trouble;
    };
    const inspectedBy = (observer: InspectionObserver) => ({ inspect: { machine: dedupKeyMachine, observer } });
    const uncaught = await uncaughtDuring(async () => {
      const [a, b] = [replica("a", inspectedBy(observer)), replica("b", inspectedBy({ next: observer }))];
      const reservation = await unseen(a.dedup.reserve(event));
      await pending(b.dedup.reserve(event));
      expect(await reservation.commit()).toEqual({ commit: "confirmed" });
      await duplicate(b.dedup.reserve(event));
    });
    expect(uncaught.length).toBeGreaterThan(10);
    expect(new Set(uncaught)).toEqual(new Set([trouble]));
  });

  it("costs nothing while it is absent: XState does not interpret the machine", async () => {
    const interpreted = vi.spyOn(StateMachine.prototype, "transition");
    await commitEvent(world().replica("a"));
    expect(interpreted).not.toHaveBeenCalled();
    // The spy sees the interpreter when it runs.
    const machine = dedupKeyMachine.provide({ actions: { putReservation: () => {}, settle: () => {} } });
    createActor(machine, { input: { mayDispatchUnprotected: false, attempt: 1 } })
      .start()
      .send({ type: "found.commit", revision: 1 });
    expect(interpreted).toHaveBeenCalled();
    interpreted.mockRestore();
  });
});
