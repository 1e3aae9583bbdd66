import { type AnyActorRef, createActor } from "xstate";
import {
  type DedupKeyContext,
  type DedupKeyEvent,
  type DedupKeyInput,
  dedupKeyMachine,
  type Settlement,
} from "../machines/dedup-key.ts";
import { compile } from "./compiled-logic.ts";

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

/** One run of the machine: takes what happened. */
export interface Life {
  /** Takes the first step: asks the store. */
  begin(): void;
  send(event: DedupKeyEvent): void;
  readonly context: DedupKeyContext;
}

const effects = new WeakMap<AnyActorRef, Effects>();

function effectsOf(self: AnyActorRef): Effects {
  const found = effects.get(self);
  if (found === undefined) throw new TypeError("An actor of the machine has no effects");
  return found;
}

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

/** The machine for one delivery of a key; one actor, which is gone when the delivery is settled. */
export function createLife(of: Effects, input: DedupKeyInput): Life {
  const actor = createActor(logic, { input });
  effects.set(actor, of);
  return {
    begin: () => {
      actor.start();
    },
    send: (event) => actor.send(event),
    get context() {
      return actor.getSnapshot().context;
    },
  };
}
