import { createActor } from "xstate";
import {
  type DeliveryContext,
  type DeliveryInput,
  deliveryMachine,
  type NakDelay,
} from "../../../machines/delivery.ts";
import { effectsBinding } from "../../statechart/bound-effects.ts";
import { compile } from "../../statechart/compiled-logic.ts";

/** The machine's actions, as methods of the same names. None of them throws. */
export interface DeliveryActions {
  identify(): void;
  guard(): void;
  abort(): void;
  acknowledge(): void;
  acknowledgeDuplicate(): void;
  publishDeadLetter(context: DeliveryContext): void;
  terminate(context: DeliveryContext): void;
  nak(context: DeliveryContext, params: { readonly delay: NakDelay }): void;
  armRetry(): void;
}

const { bind, effectsOf } = effectsBinding<DeliveryActions>();

const logic = compile(
  deliveryMachine.provide({
    actions: {
      identify: ({ self }) => effectsOf(self).identify(),
      guard: ({ self }) => effectsOf(self).guard(),
      abort: ({ self }) => effectsOf(self).abort(),
      acknowledge: ({ self }) => effectsOf(self).acknowledge(),
      acknowledgeDuplicate: ({ self }) => effectsOf(self).acknowledgeDuplicate(),
      publishDeadLetter: ({ self, context }) => effectsOf(self).publishDeadLetter(context),
      terminate: ({ self, context }) => effectsOf(self).terminate(context),
      nak: ({ self, context }, params) => effectsOf(self).nak(context, params),
      armRetry: ({ self }) => effectsOf(self).armRetry(),
    },
  }),
);

/** Creates the actor of one delivery. */
export function createDeliveryActor(host: DeliveryActions, input: DeliveryInput) {
  return Object.assign(createActor(logic, { input }), bind(host));
}
