import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type EventObject,
  type InspectionEvent,
} from "xstate";

export interface Notification {
  readonly source: string;
  readonly details?: unknown;
}

/** Runs an actor on events, stops it, and returns the notifications of its effects, observers and inspectors in order. */
export function actorNotifications(
  logicOf: (machine: AnyStateMachine) => AnyActorLogic,
  machine: AnyStateMachine,
  given: unknown,
  events: readonly EventObject[],
): Notification[] {
  const notifications: Notification[] = [];
  const notify = (source: string, details: unknown): void => void notifications.push({ source, details });
  const effects = Object.entries(machine.implementations.actions).flatMap(([name, action]) =>
    action === undefined || "assignment" in action
      ? []
      : [
          [
            name,
            ({ self, context, event }: { self: AnyActorRef; context: unknown; event: unknown }, params: unknown) =>
              notify(`effect: ${name}`, { params, context, event, at: snapshotFields(self.getSnapshot()) }),
          ] as const,
        ],
  );
  const actor = createActor(logicOf(machine.provide({ actions: Object.fromEntries(effects) })), {
    input: given,
    inspect: (inspected) => {
      if (inspected.type !== "@xstate.microstep") notify(`inspector: ${nameOf(inspected)}`, contentOf(inspected));
    },
  });
  const isActive = () => snapshotFields(actor.getSnapshot())["status"] === "active";
  notify("created", snapshotFields(actor.getSnapshot()));
  actor.subscribe({
    next: (snapshot: unknown) => notify("observer: next", snapshotFields(snapshot)),
    complete: () => notify("observer: complete", undefined),
  });
  actor.start();
  for (const event of events) if (isActive()) actor.send(event);
  if (isActive()) actor.stop();
  return notifications;
}

function nameOf(inspected: InspectionEvent): string {
  if (inspected.type === "@xstate.event") return `${inspected.type} ${inspected.event.type}`;
  return inspected.type === "@xstate.action" ? `${inspected.type} ${inspected.action.type}` : inspected.type;
}

function contentOf(inspected: InspectionEvent): unknown {
  return {
    event: "event" in inspected ? inspected.event : undefined,
    action: "action" in inspected ? inspected.action : undefined,
    at: "snapshot" in inspected ? snapshotFields(inspected.snapshot) : undefined,
  };
}

/** Returns the fields that XState's snapshots and compiled snapshots share. */
function snapshotFields(snapshot: unknown): Record<string, unknown> {
  const all = new Map(Object.entries(snapshot ?? {}));
  return Object.fromEntries(["status", "value", "context", "output", "error"].map((name) => [name, all.get(name)]));
}
