import { type ActorLogic, type AnyActorRef, type AnyEventObject, createActor, type Snapshot } from "xstate";
import {
  type DedupKeyContext,
  type DedupKeyEvent,
  type DedupKeyInput,
  dedupKeyMachine,
  type Settlement,
} from "../../machines/dedup-key.ts";
import type { DedupKey } from "../model/identity.ts";
import { effectsBinding } from "../statechart/bound-effects.ts";
import { compile } from "../statechart/compiled-logic.ts";
import { type InspectionObserver, isolated } from "../statechart/inspection.ts";
import { PlainActor } from "../statechart/plain-actor.ts";

/** What the machine's actions do: one method for each, by the same name. None of them throws. */
export interface Effects {
  putReservation(context: DedupKeyContext): void;
  readRecord(context: DedupKeyContext): void;
  renewLease(context: DedupKeyContext): void;
  putCommit(context: DedupKeyContext): void;
  removeReservation(context: DedupKeyContext): void;
  armRetry(context: DedupKeyContext): void;
  armDeadline(context: DedupKeyContext): void;
  armRenewalRetry(context: DedupKeyContext): void;
  startHandler(context: DedupKeyContext): void;
  abortHandler(context: DedupKeyContext, reason: "lease-ended" | "superseded" | "shutdown"): void;
  settle(context: DedupKeyContext, as: Settlement): void;
}

const { bind, effectsOf } = effectsBinding<Effects>();

const machine = dedupKeyMachine.provide({
  actions: {
    putReservation: ({ self, context }) => effectsOf(self).putReservation(context),
    readRecord: ({ self, context }) => effectsOf(self).readRecord(context),
    renewLease: ({ self, context }) => effectsOf(self).renewLease(context),
    putCommit: ({ self, context }) => effectsOf(self).putCommit(context),
    removeReservation: ({ self, context }) => effectsOf(self).removeReservation(context),
    armRetry: ({ self, context }) => effectsOf(self).armRetry(context),
    armDeadline: ({ self, context }) => effectsOf(self).armDeadline(context),
    armRenewalRetry: ({ self, context }) => effectsOf(self).armRenewalRetry(context),
    startHandler: ({ self, context }) => effectsOf(self).startHandler(context),
    abortHandler: ({ self, context }, { reason }) => effectsOf(self).abortHandler(context, reason),
    settle: ({ self, context }, { as }) => effectsOf(self).settle(context, as),
  },
});
const logic = compile(machine);

/**
 * The parent of the actors of one deduplicator that is inspected: they share its system, which weighs as much as an actor. Without
 * an inspector there is none, and no actor of XState's: these cost as much as all else that a guard does.
 */
export function createParent(inspector: InspectionObserver | undefined): AnyActorRef | undefined {
  if (inspector === undefined) return undefined;
  const idle = { status: "active", output: undefined, error: undefined } as const;
  const logic: ActorLogic<Snapshot<undefined>, AnyEventObject> = {
    getInitialSnapshot: () => idle,
    transition: (snapshot) => snapshot,
    getPersistedSnapshot: (snapshot) => snapshot,
  };
  return createActor(logic, { id: "latchkey", inspect: isolated(inspector) }).start();
}

/** What is asked of an actor, be it XState's or not. */
interface KeyActor {
  getSnapshot(): { readonly context: DedupKeyContext };
  start(): unknown;
  send(event: DedupKeyEvent): void;
}

/** One run of the machine, for one delivery of a key: one actor, which is gone when the delivery is settled. */
export class Life {
  readonly #actor: KeyActor;

  /** @param parent of an actor that is inspected. */
  constructor(of: Effects, id: DedupKey, input: DedupKeyInput, parent: AnyActorRef | undefined) {
    this.#actor =
      parent === undefined
        ? new PlainActor(logic, input, bind(of))
        : Object.assign(createActor(logic, { id, input, parent }), bind(of));
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
