import { setup } from "xstate";
import { dedupKey } from "./dedup-key.ts";
import { delivery } from "./delivery.ts";

export type { DedupKeyContext, DedupKeyEvent, DedupKeyInput, Settlement } from "./dedup-key.ts";

/** The lifecycle of a key during one attempt on one replica, as a machine of XState. */
export const dedupKeyMachine = setup({ types: dedupKey.types, ...dedupKey.implementations }).createMachine(
  dedupKey.config,
);

/** The lifecycle of one message that a consumer received, as a machine of XState. */
export const deliveryMachine = setup({ types: delivery.types, ...delivery.implementations }).createMachine(
  delivery.config,
);
