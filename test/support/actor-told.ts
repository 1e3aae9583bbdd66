import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type EventObject,
  type InspectionEvent,
} from "xstate";

export interface Told {
  readonly what: string;
  readonly more?: unknown;
}

/** All that effects, observers and inspectors are told of an actor that takes some events and is stopped. */
export function toldBy(
  logicOf: (machine: AnyStateMachine) => AnyActorLogic,
  machine: AnyStateMachine,
  given: unknown,
  events: readonly EventObject[],
): Told[] {
  const told: Told[] = [];
  const tell = (what: string, more: unknown): void => void told.push({ what, more });
  const effects = Object.entries(machine.implementations.actions).flatMap(([name, action]) =>
    action === undefined || "assignment" in action
      ? []
      : [
          [
            name,
            ({ self, context, event }: { self: AnyActorRef; context: unknown; event: unknown }, params: unknown) =>
              tell(`effect: ${name}`, { params, context, event, at: placeOf(self.getSnapshot()) }),
          ] as const,
        ],
  );
  const actor = createActor(logicOf(machine.provide({ actions: Object.fromEntries(effects) })), {
    input: given,
    inspect: (inspected) => {
      if (inspected.type !== "@xstate.microstep") tell(`inspector: ${nameOf(inspected)}`, contentOf(inspected));
    },
  });
  const isActive = () => placeOf(actor.getSnapshot())["status"] === "active";
  tell("created", placeOf(actor.getSnapshot()));
  actor.subscribe({
    next: (snapshot: unknown) => tell("observer: next", placeOf(snapshot)),
    complete: () => tell("observer: complete", undefined),
  });
  actor.start();
  for (const event of events) if (isActive()) actor.send(event);
  if (isActive()) actor.stop();
  return told;
}

function nameOf(inspected: InspectionEvent): string {
  if (inspected.type === "@xstate.event") return `${inspected.type} ${inspected.event.type}`;
  return inspected.type === "@xstate.action" ? `${inspected.type} ${inspected.action.type}` : inspected.type;
}

function contentOf(inspected: InspectionEvent): unknown {
  return {
    event: "event" in inspected ? inspected.event : undefined,
    action: "action" in inspected ? inspected.action : undefined,
    at: "snapshot" in inspected ? placeOf(inspected.snapshot) : undefined,
  };
}

/** What a snapshot of XState and one of a table both have. */
function placeOf(snapshot: unknown): Record<string, unknown> {
  const all = new Map(Object.entries(snapshot ?? {}));
  return Object.fromEntries(["status", "value", "context", "output", "error"].map((name) => [name, all.get(name)]));
}
