import {
  type DeadLetterReason,
  type DeliveryEvent,
  type DeliveryInput,
  deliveryMachine,
  type PutBackAfter,
  type updates,
} from "../../../machines/delivery.ts";
import { ActorSystem } from "../../statechart/actor-system.ts";
import { bindActions } from "../../statechart/bind-actions.ts";

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

const createActor = bindActions<typeof deliveryMachine, keyof typeof updates>(deliveryMachine);
const system = new ActorSystem();

function reasonIn(context: { readonly deadBecause: DeadLetterReason | undefined }): DeadLetterReason {
  if (context.deadBecause === undefined) throw new TypeError("A message became a dead letter for no reason");
  return context.deadBecause;
}

/** The machine for one delivered message; one actor, which is gone when the message is answered. */
export function createDeliveryLife(of: DeliveryEffects, input: DeliveryInput): DeliveryLife {
  const host = {
    identify: () => of.identify(),
    guard: () => of.guard(),
    abort: () => of.abort(),
    acknowledge: () => of.acknowledge(),
    acknowledgeDuplicate: () => of.acknowledgeDuplicate(),
    publishDeadLetter: (context: { readonly deadBecause: DeadLetterReason | undefined }) =>
      of.publishDeadLetter(reasonIn(context)),
    terminate: (context: { readonly deadBecause: DeadLetterReason | undefined }) => of.terminate(reasonIn(context)),
    putBack: (_: unknown, { after }: { readonly after: PutBackAfter }) => of.putBack(after),
    armRetry: () => of.armRetry(),
  };
  const actor = createActor(host, { id: "delivery", input, system });
  actor.start();
  return {
    send: (event) => actor.send(event),
    get isOver() {
      return actor.getSnapshot().status !== "active";
    },
  };
}
