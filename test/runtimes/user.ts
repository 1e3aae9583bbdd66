import { Deduplicator, memoryStore, type Outcome } from "latchkey";
import { github, webhook } from "latchkey/http";
import { type ConsumeOptions, consume } from "latchkey/nats";
import { exhaust } from "latchkey/testing";

const dedup = new Deduplicator({ store: memoryStore(), leaseMs: 5_000 });
const outcome: Outcome<number> = await dedup.guard({ subscriptionId: "s", eventId: "e" }, ({ fence }) => fence);
if (outcome.outcome === "dispatched") outcome.value satisfies number;
// @ts-expect-error an identity has an event
await dedup.reserve({ subscriptionId: "s" });
export const receive = webhook({ dedup, source: github({ secret: "s" }), dispatch: ({ body }) => void body });
export const options: ConsumeOptions = { dedup, dispatch: (message) => message.string() };
export const kit = [consume, exhaust];
