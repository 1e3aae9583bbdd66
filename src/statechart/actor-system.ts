import { type ActorLogic, type AnyActorRef, type AnyEventObject, createActor, type Snapshot } from "xstate";
import { type InspectionObserver, isolated } from "./inspection.ts";

/**
 * The XState actor system that the actors of one deduplicator or consumer share. An idle root actor, `latchkey`, is their parent.
 * An action that throws is an uncaught exception of the process.
 */
export class ActorSystem {
  readonly root: AnyActorRef;
  readonly isInspected: boolean;

  /** @param inspect receives XState's inspection events of every actor in the system. */
  constructor(inspect?: InspectionObserver) {
    this.root = createActor(idleLogic, {
      id: "latchkey",
      ...(inspect === undefined ? {} : { inspect: isolated(inspect) }),
    }).start();
    this.isInspected = inspect !== undefined;
  }
}

const idle = { status: "active", output: undefined, error: undefined } as const;

const idleLogic: ActorLogic<Snapshot<undefined>, AnyEventObject> = {
  getInitialSnapshot: () => idle,
  transition: (snapshot, event) => {
    if (event.type.startsWith("xstate.error.actor.")) {
      queueMicrotask(() => {
        throw event["error"];
      });
    }
    return snapshot;
  },
  getPersistedSnapshot: (snapshot) => snapshot,
};
