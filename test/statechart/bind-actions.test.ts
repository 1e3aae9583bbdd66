import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyStateMachine, EventObject } from "xstate";
import type { updates } from "../../machines/dedup-key.ts";
import { dedupKeyMachine } from "../../machines/index.ts";
import { ActorSystem } from "../../src/statechart/actor-system.ts";
import { bindActions } from "../../src/statechart/bind-actions.ts";
import { anyEvents, anyMachine } from "../support/any-machine.ts";
import { dedupKeyEvents } from "../support/machine-worlds.ts";
import { runCount } from "../support/run-count.ts";
import { uncaughtDuring } from "../support/uncaught.ts";

interface Scenario {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly EventObject[];
  /** Event that each action sends, if any. */
  readonly sentByActions: readonly (EventObject | undefined)[];
}

const input = { mayDispatchUnprotected: false, attempt: 1 };
const compiled = new ActorSystem();
const inspected = new ActorSystem({ machine: dedupKeyMachine, observer: () => {} });

/** Returns each action with its arguments and current snapshot, and the snapshot after each event. */
function observed(isInspected: boolean, { machine, input, events, sentByActions }: Scenario): unknown[] {
  const system = new ActorSystem(isInspected ? { machine, observer: () => {} } : undefined);
  const seen: unknown[] = [];
  const toSend = [...sentByActions];
  const names = Object.entries(machine.implementations.actions).flatMap(([name, action]) =>
    action === undefined || "assignment" in action ? [] : [name],
  );
  const method = (name: string) => (context: unknown, params: unknown) => {
    seen.push({ name, params, context, at: snapshot() });
    const next = toSend.shift();
    if (next !== undefined) actor.send(next);
  };
  const host = Object.fromEntries(names.map((name) => [name, method(name)]));
  const actor = bindActions<AnyStateMachine, never>(machine)(host, { id: "observed", input, system });
  const snapshot = () => {
    const { status, value, context } = actor.getSnapshot();
    return { status, value, context };
  };
  seen.push(snapshot());
  actor.start();
  for (const event of events) {
    seen.push(snapshot());
    if (snapshot().status === "active") actor.send(event);
  }
  return [...seen, snapshot()];
}

function expectSameBehaviour(scenario: Scenario): void {
  expect(observed(false, scenario)).toEqual(observed(true, scenario));
}

describe("an actor whose actions are bound to a host", () => {
  it("behaves the same with the compiled key machine and with the machine itself, also for events that actions send", () => {
    const event = fc.constantFrom(...dedupKeyEvents);
    const property = fc.property(
      fc.array(event, { maxLength: 20 }),
      fc.array(fc.option(event, { nil: undefined })),
      (events, sentByActions) => expectSameBehaviour({ machine: dedupKeyMachine, input, events, sentByActions }),
    );
    fc.assert(property, { numRuns: runCount(500) });
  });

  it("behaves the same with any machine and with its compiled form", () => {
    const property = fc.property(
      anyMachine,
      fc.nat(16),
      anyEvents,
      anyEvents,
      (machine, input, events, sentByActions) => expectSameBehaviour({ machine, input, events, sentByActions }),
    );
    fc.assert(property, { numRuns: runCount(500) });
  });

  it.each([
    ["compiled", compiled],
    ["inspected", inspected],
  ])("queues an event that arrives before its start (%s)", (_, system) => {
    const actor = createKeyActor(host(), { id: "k", input, system });
    actor.send({ type: "found.commit", revision: 1 });
    const before = actor.getSnapshot();
    actor.start();
    expect([before, actor.getSnapshot()].map(({ status, value }) => [status, value])).toEqual([
      ["active", { unseen: "claiming" }],
      ["done", "committed"],
    ]);
  });

  it("runs the machine itself in an inspected system, and the compiled machine in any other", () => {
    const snapshotIn = (system: ActorSystem) => createKeyActor(host(), { id: "k", input, system }).getSnapshot();
    expect(snapshotIn(inspected)).toHaveProperty("machine");
    expect(snapshotIn(compiled)).not.toHaveProperty("machine");
  });

  it.each([
    ["compiled", compiled],
    ["inspected", inspected],
  ])("turns an error of a method into an uncaught exception, and stops (%s)", async (_, system) => {
    const thrown = new Error("no");
    const failing = host({
      readRecord: () => {
        throw thrown;
      },
    });
    const actor = createKeyActor(failing, { id: "k", input, system });
    const uncaught = await uncaughtDuring(async () => {
      actor.start();
      actor.send({ type: "write.conflicted" });
    });
    expect(uncaught).toEqual([thrown]);
    expect(actor.getSnapshot().status).toBe("error");
  });

  it("names the method that its host lacks", async () => {
    const actor = bindActions<AnyStateMachine, never>(dedupKeyMachine)({}, { id: "k", input, system: compiled });
    const uncaught = await uncaughtDuring(async () => void actor.start());
    expect(uncaught).toEqual([new TypeError("The actor has no host that implements `putReservation`")]);
  });
});

type Host = Parameters<typeof createKeyActor>[0];

const createKeyActor = bindActions<typeof dedupKeyMachine, keyof typeof updates>(dedupKeyMachine);

function host(overridden: Partial<Host> = {}): Host {
  const nothing = () => {};
  return {
    putReservation: nothing,
    readRecord: nothing,
    renewLease: nothing,
    putCommit: nothing,
    removeReservation: nothing,
    armRetry: nothing,
    armDeadline: nothing,
    armRenewalRetry: nothing,
    startHandler: nothing,
    abortHandler: nothing,
    settle: nothing,
    ...overridden,
  };
}
