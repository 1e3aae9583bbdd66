import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assign, createActor, setup } from "xstate";
import { type DedupKeyEvent, dedupKeyMachine } from "../../machines/dedup-key.ts";
import { compile } from "../../src/statechart/compiled-logic.ts";
import { toldBy } from "../support/actor-told.ts";
import { anyEvents, anyMachine } from "../support/any-machine.ts";
import { mutantsOf } from "../support/machine-mutants.ts";
import { explore, firstDifference, xstateSteps } from "../support/machine-steps.ts";
import { dedupKeyEvents, dedupKeyWorld, deliveryWorld } from "../support/machine-worlds.ts";

const input = { mayDispatchUnprotected: false, attempt: 1 };
const granted: DedupKeyEvent = { type: "write.acked", revision: 1, late: false };

describe.each([dedupKeyWorld, deliveryWorld])(
  "$machine.id, compiled, against XState itself",
  ({ machine, ...world }) => {
    const steps = explore(machine, world);

    it("takes every step alike: status, value, context, and the actions with their parameters and contexts", () => {
      const { length } = steps.places;
      console.log(`${machine.id}: ${length * world.events.length} steps from ${length} places compared`);
      expect(firstDifference(steps, compile(machine))).toBeUndefined();
    });

    it("differs noticeably as soon as anything in the machine is changed", () => {
      const mutants = mutantsOf(machine);
      console.log(`${machine.id}: ${mutants.length} changed machines tried`);
      expect(mutants.length).toBeGreaterThan(100);
      const unnoticed = mutants.filter(({ mutant }) => firstDifference(steps, compile(mutant)) === undefined);
      expect(unnoticed.map(({ change }) => change)).toEqual([]);
    });
  },
);

it("does what XState does with any machine and any events, down to which snapshots are the same object", () => {
  const property = fc.property(anyMachine, fc.nat(16), anyEvents, (machine, count, events) => {
    const xstate = xstateSteps(machine);
    const logic = compile(machine);
    let { at, to } = xstate.begin(count);
    let { snapshot, actions } = logic.begin(count);
    expect({ ...snapshot, actions }).toEqual({ ...to, output: undefined, error: undefined });
    for (const event of events) {
      if (to.status !== "active") break;
      const before = { at, snapshot };
      ({ at, to } = xstate.step(at, event));
      ({ snapshot, actions } = logic.step(snapshot, event));
      expect({ ...snapshot, actions }).toEqual({ ...to, output: undefined, error: undefined });
      expect(snapshot === before.snapshot).toBe(at === before.at);
    }
  });
  fc.assert(property, { numRuns: 1_000 });
});

describe("run by createActor", () => {
  it("tells effects, observers and inspectors what XState tells them, in the same order, for any events", () => {
    const property = fc.property(fc.array(fc.constantFrom(...dedupKeyEvents), { maxLength: 20 }), (events) => {
      const expected = toldBy((machine) => machine, dedupKeyMachine, input, events);
      expect(toldBy(compile, dedupKeyMachine, input, events)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("does so for any machine", () => {
    const property = fc.property(anyMachine, fc.nat(16), anyEvents, (machine, count, events) => {
      expect(toldBy(compile, machine, count, events)).toEqual(toldBy((same) => same, machine, count, events));
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("delays the effects of the start until it happens, and reports every action to inspectors", () => {
    const notices = toldBy(compile, dedupKeyMachine, input, [granted]);
    expect(notices.map(({ what }) => what)).toEqual([
      "inspector: @xstate.actor",
      "created",
      "inspector: @xstate.event xstate.init",
      "inspector: @xstate.action putReservation",
      "effect: putReservation",
      "observer: next",
      "inspector: @xstate.snapshot",
      "inspector: @xstate.event write.acked",
      "inspector: @xstate.action armDeadline",
      "effect: armDeadline",
      "inspector: @xstate.action startHandler",
      "effect: startHandler",
      "observer: next",
      "inspector: @xstate.snapshot",
      "inspector: @xstate.snapshot",
      "observer: complete",
    ]);
  });

  it.each(["XState", "compiled"])(
    "takes an event that an effect sends after the step that it was sent in (%s)",
    (by) => {
      const seen: string[] = [];
      const note = (word: string) => (_: unknown, params: unknown) => seen.push(`${word} ${JSON.stringify(params)}`);
      const machine = pingPong.provide({
        actions: {
          serve: ({ self, context }) => {
            if (context.hits < 3) self.send({ type: "hit" });
            seen.push(`serve ${context.hits}`);
          },
          note: note("note"),
        },
      });
      const actor = createActor(by === "compiled" ? compile(machine) : machine).start();
      expect(seen).toEqual([
        "serve 0",
        "note undefined",
        "serve 1",
        "note undefined",
        "serve 2",
        "note undefined",
        "serve 3",
      ]);
      expect(actor.getSnapshot()).toMatchObject({ status: "active", value: "there", context: { hits: 3 } });
    },
  );

  it.each(["XState", "compiled"])("ends with the error that an effect throws (%s)", (by) => {
    const thrown = new Error("no");
    const machine = pingPong.provide({
      actions: {
        note: () => {
          throw thrown;
        },
      },
    });
    const actor = createActor(by === "compiled" ? compile(machine) : machine);
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start().send({ type: "hit" });
    expect(errors).toEqual([thrown]);
    expect(actor.getSnapshot()).toMatchObject({ status: "error", error: thrown });
  });

  it("persists plain data", () => {
    const actor = createActor(compile(pingPong)).start();
    expect(JSON.parse(JSON.stringify(actor.getPersistedSnapshot()))).toEqual({
      status: "active",
      value: "here",
      context: { hits: 0 },
    });
  });
});

describe("as pure functions", () => {
  it("says what is to be done, and does nothing", () => {
    const logic = compile(
      pingPong.provide({
        actions: {
          note: () => {
            throw new Error("executed");
          },
        },
      }),
    );
    const { snapshot } = logic.begin(undefined);
    const { snapshot: next, actions } = logic.step(snapshot, { type: "hit" });
    expect(actions).toEqual([
      { type: "note", params: undefined, context: { hits: 1 } },
      { type: "serve", params: undefined, context: { hits: 1 } },
    ]);
    expect(next).toEqual({
      status: "active",
      value: "there",
      context: { hits: 1 },
      output: undefined,
      error: undefined,
    });
    expect(snapshot.context).toEqual({ hits: 0 });
  });

  it("shares the state values, which nobody can change", () => {
    const logic = compile(dedupKeyMachine);
    const { snapshot } = logic.begin(input);
    expect(logic.begin(input).snapshot.value).toBe(snapshot.value);
    expect(Object.isFrozen(snapshot.value)).toBe(true);
  });

  it("ignores every event in a final state", () => {
    const logic = compile(dedupKeyMachine);
    const { snapshot } = logic.step(logic.begin(input).snapshot, { type: "found.commit", revision: 1 });
    expect(snapshot).toMatchObject({ status: "done", value: "committed" });
    for (const event of dedupKeyEvents) expect(logic.step(snapshot, event)).toEqual({ snapshot, actions: [] });
  });

  it("refuses a snapshot that is not its own", () => {
    const { snapshot } = compile(pingPong).begin(undefined);
    expect(() => compile(counter).step(snapshot, { type: "hit" })).toThrow(
      new TypeError("Not a snapshot of the compiled `counter`"),
    );
  });
});

/** Examples, for their types. */
const types = { context: { hits: 0 }, events: { type: "hit" as const } };

const counter = setup({
  types,
}).createMachine({ id: "counter", context: { hits: 0 }, initial: "counting", states: { counting: {} } });

const pingPong = setup({
  types,
  actions: { serve: () => {}, note: () => {}, count: assign(({ context }) => ({ hits: context.hits + 1 })) },
}).createMachine({
  id: "pingPong",
  context: { hits: 0 },
  initial: "here",
  states: {
    here: { entry: "serve", on: { hit: { target: "there", actions: ["count", "note"] } } },
    there: { entry: "serve", on: { hit: { target: "here", actions: ["count", "note"] } } },
  },
});
