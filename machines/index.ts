export type { DedupKeyContext, DedupKeyEvent, DedupKeyInput, Settlement } from "./dedup-key.ts";
export { dedupKeyMachine } from "./dedup-key.ts";
export { deliveryMachine } from "./delivery.ts";
