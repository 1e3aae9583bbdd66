import {
  type DedupKeyContext,
  type DedupKeyEvent,
  type DedupKeyInput,
  dedupKeyMachine,
  type updates,
} from "../../machines/dedup-key.ts";
import type { DedupKey } from "../model/identity.ts";
import type { ActorSystem } from "../statechart/actor-system.ts";
import { type ActionMethods, bindActions, type MachineActor } from "../statechart/bind-actions.ts";

export type Effects = ActionMethods<typeof dedupKeyMachine, keyof typeof updates>;

const createActor = bindActions<typeof dedupKeyMachine, keyof typeof updates>(dedupKeyMachine);

/** One run of the machine, for one delivery of a key: one actor, which is gone when the delivery is settled. */
export class Life {
  readonly #actor: MachineActor<typeof dedupKeyMachine>;

  constructor(of: Effects, id: DedupKey, input: DedupKeyInput, system: ActorSystem) {
    this.#actor = createActor(of, { id, input, system });
  }

  get context(): DedupKeyContext {
    return this.#actor.getSnapshot().context;
  }

  /** Takes the first step: asks the store. */
  begin(): void {
    this.#actor.start();
  }

  send(event: DedupKeyEvent): void {
    this.#actor.send(event);
  }
}
