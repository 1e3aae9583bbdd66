import fc from "fast-check";
import { expect, it } from "vitest";
import { type AnyStateMachine, createActor, type EventObject } from "xstate";
import { type DedupKeyEvent, dedupKeyMachine } from "../../machines/dedup-key.ts";
import { type CompiledLogic, type CompiledSnapshot, compile } from "../../src/statechart/compiled-logic.ts";
import { PlainActor } from "../../src/statechart/plain-actor.ts";
import { anyEvents, anyMachine } from "../support/any-machine.ts";
import { dedupKeyEvents } from "../support/machine-worlds.ts";

interface Actor {
  getSnapshot(): CompiledSnapshot<unknown>;
  start(): unknown;
  send(event: EventObject): void;
}

type Logic = CompiledLogic<unknown, EventObject, unknown>;

interface Course {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly EventObject[];
  /** What each effect sends in its turn, if anything. */
  readonly inside: readonly (EventObject | undefined)[];
}

const XSTATES = (logic: Logic, input: unknown): Actor => createActor(logic, { input });
const PLAIN = (logic: Logic, input: unknown): Actor => new PlainActor(logic, input, {});

/** All that is to be seen of an actor: each effect with what it is given and what the snapshot is, and the snapshot after each event. */
function seenOf(
  actorOf: (logic: Logic, input: unknown) => Actor,
  { machine, input, events, inside }: Course,
): unknown[] {
  const seen: unknown[] = [];
  const toSend = [...inside];
  const effects = Object.entries(machine.implementations.actions).flatMap(([name, action]) =>
    action === undefined || "assignment" in action
      ? []
      : [
          [
            name,
            ({ context, event }: { context: unknown; event: unknown }, params: unknown) => {
              seen.push({ name, params, context, event, at: actor.getSnapshot() });
              const next = toSend.shift();
              if (next !== undefined) actor.send(next);
            },
          ] as const,
        ],
  );
  const logic: Logic = compile(machine.provide({ actions: Object.fromEntries(effects) }));
  const actor = actorOf(logic, input);
  seen.push(actor.getSnapshot());
  actor.start();
  for (const event of events) {
    seen.push(actor.getSnapshot());
    if (actor.getSnapshot().status === "active") actor.send(event);
  }
  return [...seen, actor.getSnapshot()];
}

function expectBothAlike(course: Course): void {
  expect(seenOf(PLAIN, course)).toEqual(seenOf(XSTATES, course));
}

it("does with the key's machine what XState's actor does, also with events that its effects send", () => {
  const event = fc.constantFrom(...dedupKeyEvents);
  const property = fc.property(
    fc.array(event, { maxLength: 20 }),
    fc.array(fc.option(event, { nil: undefined })),
    (events, inside) =>
      expectBothAlike({
        machine: dedupKeyMachine,
        input: { mayDispatchUnprotected: false, attempt: 1 },
        events,
        inside,
      }),
  );
  fc.assert(property, { numRuns: 500 });
});

it("does so with any machine", () => {
  const property = fc.property(anyMachine, fc.nat(16), anyEvents, anyEvents, (machine, input, events, inside) =>
    expectBothAlike({ machine, input, events, inside }),
  );
  fc.assert(property, { numRuns: 500 });
});

it("keeps an event that comes before the start until then", () => {
  const found: DedupKeyEvent = { type: "found.commit", revision: 1 };
  const logic: Logic = compile<AnyStateMachine>(dedupKeyMachine);
  const seen = [XSTATES, PLAIN].map((actorOf) => {
    const actor = actorOf(logic, { mayDispatchUnprotected: false, attempt: 1 });
    actor.send(found);
    const before = actor.getSnapshot();
    actor.start();
    return [before, actor.getSnapshot()];
  });
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[1]?.map(({ status }) => status)).toEqual(["active", "done"]);
});
