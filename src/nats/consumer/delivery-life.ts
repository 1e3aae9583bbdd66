import {
  type DeadLetterReason,
  type DeliveryEvent,
  type DeliveryInput,
  deliveryMachine,
  type PutBackAfter,
} from "../../../machines/delivery.ts";
import { effectsBinding } from "../../statechart/bound-effects.ts";
import { compile } from "../../statechart/compiled-logic.ts";
import { PlainActor } from "../../statechart/plain-actor.ts";

/** What the machine's actions do: one method for each, by the same name. None of them throws. */
export interface DeliveryEffects {
  identify(): void;
  guard(): void;
  abort(): void;
  acknowledge(): void;
  acknowledgeDuplicate(): void;
  publishDeadLetter(reason: DeadLetterReason): void;
  terminate(reason: DeadLetterReason): void;
  putBack(after: PutBackAfter): void;
  armRetry(): void;
}

/** One run of the machine: takes what happened. */
export interface DeliveryLife {
  /** Does nothing once it is over. */
  send(event: DeliveryEvent): void;
  readonly isOver: boolean;
}

const { bind, effectsOf } = effectsBinding<DeliveryEffects>();

function reasonIn(context: { readonly deadBecause: DeadLetterReason | undefined }): DeadLetterReason {
  if (context.deadBecause === undefined) throw new TypeError("A message became a dead letter for no reason");
  return context.deadBecause;
}

const logic = compile(
  deliveryMachine.provide({
    actions: {
      identify: ({ self }) => effectsOf(self).identify(),
      guard: ({ self }) => effectsOf(self).guard(),
      abort: ({ self }) => effectsOf(self).abort(),
      acknowledge: ({ self }) => effectsOf(self).acknowledge(),
      acknowledgeDuplicate: ({ self }) => effectsOf(self).acknowledgeDuplicate(),
      publishDeadLetter: ({ self, context }) => effectsOf(self).publishDeadLetter(reasonIn(context)),
      terminate: ({ self, context }) => effectsOf(self).terminate(reasonIn(context)),
      putBack: ({ self }, { after }) => effectsOf(self).putBack(after),
      armRetry: ({ self }) => effectsOf(self).armRetry(),
    },
  }),
);

/** The machine for one delivered message; one actor, which is gone when the message is answered. */
export function createDeliveryLife(of: DeliveryEffects, input: DeliveryInput): DeliveryLife {
  const actor = new PlainActor(logic, input, bind(of));
  actor.start();
  return {
    send: (event) => actor.send(event),
    get isOver() {
      return actor.getSnapshot().status !== "active";
    },
  };
}
