import { Deduplicator } from "../../../../src/index.ts";
import type { HandlerUnderTest } from "../../../../src/testing/index.ts";

export const handler: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs: 5_000 });
  return ({ event }) =>
    dedup.guard({ subscriptionId: "billing", eventId: event }, (reservation) => replica.effect(event, reservation));
};
