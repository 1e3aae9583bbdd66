import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assign, createActor, setup } from "xstate";
import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { dedupKeyMachine } from "../../machines/index.ts";
import { compile } from "../../src/statechart/compiled-logic.ts";
import { actorNotifications } from "../support/actor-notifications.ts";
import { anyEvents, anyMachine } from "../support/any-machine.ts";
import { exploreMachine, firstDifference, xstateSteps } from "../support/machine-steps.ts";
import { dedupKeyEvents, dedupKeyWorld, deliveryWorld } from "../support/machine-worlds.ts";
import { runCount } from "../support/run-count.ts";

const input = { mayDispatchUnprotected: false, attempt: 1 };
const granted: DedupKeyEvent = { type: "write.acked", revision: 1, late: false };

describe.each([dedupKeyWorld, deliveryWorld])("the compiled $machine.id machine", ({ machine, ...world }) => {
  const steps = exploreMachine(machine, world);

  it("takes every step as XState does: status, value, context, and actions with their parameters and contexts", () => {
    const { length } = steps.places;
    console.log(`${machine.id}: ${length * world.events.length} steps from ${length} places compared`);
    expect(firstDifference(steps, compile(machine))).toBeUndefined();
  });
});

it("compiled logic matches XState for any machine and events, including the identity of snapshots", () => {
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
  fc.assert(property, { numRuns: runCount(1_000) });
});

describe("compiled logic in createActor", () => {
  it("notifies effects, observers and inspectors as XState does, in the same order, for any events", () => {
    const property = fc.property(fc.array(fc.constantFrom(...dedupKeyEvents), { maxLength: 20 }), (events) => {
      const expected = actorNotifications((machine) => machine, dedupKeyMachine, input, events);
      expect(actorNotifications(compile, dedupKeyMachine, input, events)).toEqual(expected);
    });
    fc.assert(property, { numRuns: runCount(300) });
  });

  it("notifies effects, observers and inspectors as XState does, for any machine", () => {
    const property = fc.property(anyMachine, fc.nat(16), anyEvents, (machine, count, events) => {
      expect(actorNotifications(compile, machine, count, events)).toEqual(
        actorNotifications((same) => same, machine, count, events),
      );
    });
    fc.assert(property, { numRuns: runCount(300) });
  });

  it("runs the effects of the start only on start, and reports every action to inspectors", () => {
    const notifications = actorNotifications(compile, dedupKeyMachine, input, [granted]);
    expect(notifications.map(({ source }) => source)).toEqual([
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

  it.each(["XState", "compiled"])("processes an event that an effect sends after the current step (%s)", (by) => {
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
  });

  it.each(["XState", "compiled"])("stops the actor with the error that an effect throws (%s)", (by) => {
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

  it("persists a snapshot as plain data", () => {
    const actor = createActor(compile(pingPong)).start();
    expect(JSON.parse(JSON.stringify(actor.getPersistedSnapshot()))).toEqual({
      status: "active",
      value: "here",
      context: { hits: 0 },
    });
  });
});

describe("compiled logic as pure functions", () => {
  it("returns the actions of a step without executing them", () => {
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

  it("shares frozen state values between snapshots", () => {
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

  it("rejects a snapshot of other logic", () => {
    const { snapshot } = compile(pingPong).begin(undefined);
    expect(() => compile(counter).step(snapshot, { type: "hit" })).toThrow(
      new TypeError("Not a snapshot of the compiled `counter`"),
    );
  });
});

/** Example values that give the types. */
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
