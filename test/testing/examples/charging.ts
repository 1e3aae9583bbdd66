import assert from "node:assert/strict";
import { Deduplicator } from "../../../src/index.ts";
import type { HandlerUnderTest } from "../../../src/testing/index.ts";

/** A payment provider, outside of all processes. */
export class Provider {
  readonly charges: string[] = [];

  charge(idempotencyKey: string): void {
    this.charges.push(idempotencyKey);
  }
}

/** A provider that charges each idempotency key once. */
export class IdempotentProvider extends Provider {
  override charge(idempotencyKey: string): void {
    if (!this.charges.includes(idempotencyKey)) super.charge(idempotencyKey);
  }
}

export const charging: HandlerUnderTest<Provider> = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs: 5_000 });
  return ({ event }) =>
    dedup.guard({ subscriptionId: "billing", eventId: event }, (reservation) =>
      replica.effect(event, reservation, () => replica.world.charge(reservation.idempotencyKey)),
    );
};

export const chargedOnce = (provider: Provider): void => {
  assert.equal(provider.charges.length, 1, `charged ${provider.charges.length} times`);
};
