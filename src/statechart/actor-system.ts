import {
  type ActorLogic,
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  type Snapshot,
} from "xstate";
import { type Inspection, isolated } from "./inspection.ts";

/** A system keeps its actors in a map, which is cheap only while it is short-lived (docs/performance.md). */
const ACTORS_PER_ROOT = 256;

/** V8 judges a literal by at least 100 objects, and needs more if some of the following survive. */
const SHORT_LIVED_ACTORS = 256;

/**
 * The parents of the actors of one deduplicator or consumer. They are idle root actors named `latchkey`, whose XState systems the
 * actors share. An inspected system has one root. An action that throws is an uncaught exception of the process.
 */
export class ActorSystem {
  /** The machine that inspected actors run; `undefined` if no inspector is attached. */
  readonly inspectedMachine: AnyStateMachine | undefined;
  #root: AnyActorRef;
  #actors = 0;
  static #hasShownActors = false;

  /** @param inspection receives XState's inspection events of every actor in the system. */
  constructor(inspection?: Inspection) {
    this.inspectedMachine = inspection?.machine;
    this.#root = createRoot(inspection === undefined ? {} : { inspect: isolated(inspection.observer) });
    ActorSystem.#showShortLivedActors();
  }

  /** Returns the parent for one more actor. */
  nextParent(): AnyActorRef {
    this.#actors += 1;
    if (this.inspectedMachine === undefined && this.#actors % ACTORS_PER_ROOT === 0) this.#root = createRoot({});
    return this.#root;
  }

  /**
   * Shows V8 actors that live briefly, once per process. If the first actors are those of a few hundred events at once, V8 concludes
   * that actors live long, and keeps each until a full collection. See "What waits is a class instance" in docs/performance.md.
   */
  static #showShortLivedActors(): void {
    if (ActorSystem.#hasShownActors) return;
    ActorSystem.#hasShownActors = true;
    const parent = createRoot({});
    for (let n = 0; n < SHORT_LIVED_ACTORS; n += 1) createActor(idleLogic, { parent });
  }
}

function createRoot(options: { readonly inspect?: ReturnType<typeof isolated> }): AnyActorRef {
  return createActor(idleLogic, { id: "latchkey", ...options }).start();
}

const idle = { status: "active", output: undefined, error: undefined } as const;

const idleLogic: ActorLogic<Snapshot<undefined>, AnyEventObject> = {
  getInitialSnapshot: () => idle,
  transition: (snapshot, event) => {
    // Only the event of a failed child has an error.
    if ("error" in event) {
      queueMicrotask(() => {
        throw event["error"];
      });
    }
    return snapshot;
  },
  getPersistedSnapshot: (snapshot) => snapshot,
};
