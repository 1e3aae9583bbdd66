import { describe, expect, it, vi } from "vitest";
import { createActor, type InspectionEvent, StateMachine } from "xstate";
import { dedupKeyMachine } from "../../machines/dedup-key.ts";
import { commitEvent, duplicate, event, pending, resolved, unseen, world } from "../support/replicas.ts";
import { uncaughtDuring } from "../support/uncaught.ts";

/** What an inspector hears, a line for each event. */
function hearing() {
  const heard: string[] = [];
  const inspector = (of: InspectionEvent): void => {
    const id = "id" in of.actorRef ? of.actorRef.id : "";
    const what = of.type === "@xstate.action" ? of.action.type : "event" in of ? of.event.type : "";
    heard.push(`${of.type} ${id} ${what}`.trim());
  };
  return { heard, inspector };
}

describe("an inspector", () => {
  it("hears of the actor of a guard, its events, actions and snapshots", async () => {
    const { heard, inspector } = hearing();
    const a = world().replica("a", { inspect: inspector });
    heard.length = 0;
    await commitEvent(a);
    const { key } = resolved;
    expect(heard).toEqual([
      `@xstate.actor ${key}`,
      `@xstate.event ${key} xstate.init`,
      `@xstate.action ${key} putReservation`,
      `@xstate.snapshot ${key} xstate.init`,
      `@xstate.event ${key} write.acked`,
      `@xstate.action ${key} armDeadline`,
      `@xstate.action ${key} startHandler`,
      `@xstate.snapshot ${key} write.acked`,
      `@xstate.event ${key} handler.succeeded`,
      `@xstate.action ${key} putCommit`,
      `@xstate.snapshot ${key} handler.succeeded`,
      `@xstate.event ${key} write.acked`,
      `@xstate.action ${key} settle`,
      `@xstate.event latchkey xstate.done.actor.${key}`,
      `@xstate.snapshot latchkey xstate.done.actor.${key}`,
      `@xstate.snapshot ${key} write.acked`,
    ]);
  });

  it("may be an observer, as XState's are", async () => {
    const { heard, inspector } = hearing();
    const a = world().replica("a", { inspect: { next: inspector } });
    expect(heard[0]).toBe("@xstate.actor latchkey");
    await unseen(a.dedup.reserve(event));
    expect(heard.at(-1)).toBe(`@xstate.snapshot ${resolved.key} write.acked`);
  });

  it("does not hear of what memory answers: that has no actor", async () => {
    const { heard, inspector } = hearing();
    const a = world().replica("a", { inspect: inspector });
    await commitEvent(a);
    heard.length = 0;
    await duplicate(a.dedup.reserve(event));
    expect(heard).toEqual([]);
  });

  it("that throws is an uncaught exception, and disturbs nobody", async () => {
    const { replica } = world();
    const trouble = new Error("inspected too closely");
    const inspect = (): never => {
      throw trouble;
    };
    const uncaught = await uncaughtDuring(async () => {
      const [a, b] = [replica("a", { inspect }), replica("b", { inspect: { next: inspect } })];
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
