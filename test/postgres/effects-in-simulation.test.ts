import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator, type Reservation } from "../../src/index.ts";
import { effectOnce } from "../../src/postgres/index.ts";
import { checkHandler, exhaust, type HandlerUnderTest, type Replica } from "../../src/testing/index.ts";
import { SimulatedDatabase, SimulatedTransaction } from "./simulated-database.ts";

type Dispatch = (replica: Replica<SimulatedDatabase>, reservation: Reservation) => Promise<unknown>;

/** A service that guards each event, and dispatches it with `dispatch`. Its result shows whether the kept value is right. */
function service(dispatch: Dispatch): HandlerUnderTest<SimulatedDatabase> {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs: 5_000 });
    return ({ event }) =>
      dedup.guard({ subscriptionId: "billing", eventId: event }, async (reservation) => {
        // The judge of the protocol wants one effect of its own. The transaction is checked by `holds`.
        await replica.effect(event, reservation);
        const value = await dispatch(replica, reservation);
        assert.equal(value, `receipt of ${reservation.idempotencyKey}`);
      });
  };
}

const receiptOf = ({ idempotencyKey }: Reservation): string => `receipt of ${idempotencyKey}`;

const withEffectOnce: Dispatch = async (replica, reservation) => {
  const tx = new SimulatedTransaction(replica);
  const value = await effectOnce(tx, reservation, async () => {
    await tx.addToLedger(reservation.idempotencyKey);
    return receiptOf(reservation);
  });
  await tx.commit();
  return value;
};

/** One event has one effect, and its value is kept with it. */
function holds({ ledger, markers }: SimulatedDatabase): void {
  assert.equal(ledger.length, 1, `ledger: ${ledger.length} effects were committed for one event`);
  for (const { key, value } of markers) {
    assert.equal(value, JSON.stringify(`receipt of ${key}`), "ledger: the marker has no value");
  }
}

/** Mistakes in the place of `effectOnce`. */
const planted: Readonly<Record<string, { readonly dispatch: Dispatch; readonly isUnique?: boolean }>> = {
  "no marker": {
    dispatch: async (replica, reservation) => {
      const tx = new SimulatedTransaction(replica);
      await tx.addToLedger(reservation.idempotencyKey);
      await tx.commit();
      return receiptOf(reservation);
    },
  },
  "a marker after the commit of the effect": {
    dispatch: async (replica, reservation) => {
      const tx = new SimulatedTransaction(replica);
      const { idempotencyKey: key, fence } = reservation;
      if (await tx.statement(() => replica.world.find(key) !== undefined)) return receiptOf(reservation);
      await tx.addToLedger(key);
      await tx.commit();
      const value = JSON.stringify(receiptOf(reservation));
      await tx.statement(() => replica.world.commit([{ key, name: "", fence, value }], []));
      return receiptOf(reservation);
    },
  },
  "a marker in a transaction before that of the effect": {
    dispatch: async (replica, reservation) => {
      const tx = new SimulatedTransaction(replica);
      const { idempotencyKey: key, fence } = reservation;
      const value = JSON.stringify(receiptOf(reservation));
      const isNew = await tx.statement(() => {
        if (replica.world.find(key) !== undefined) return false;
        replica.world.commit([{ key, name: "", fence, value }], []);
        return true;
      });
      if (!isNew) return receiptOf(reservation);
      await tx.addToLedger(key);
      await tx.commit();
      return receiptOf(reservation);
    },
  },
  "a value that is kept outside the transaction": {
    dispatch: async (replica, reservation) => {
      const tx = new SimulatedTransaction(replica);
      const { idempotencyKey: key, fence } = reservation;
      const kept = await tx.statement(() => replica.world.find(key));
      const value: unknown = JSON.parse(kept?.value ?? "null");
      if (kept !== undefined) return value;
      await tx.addToLedger(key);
      await tx.statement(() => replica.world.commit([{ key, name: "", fence, value: null }], [key]));
      const receipt = JSON.stringify(receiptOf(reservation));
      await tx.statement(() => replica.world.markers.splice(0, 1, { key, name: "", fence, value: receipt }));
      return receiptOf(reservation);
    },
  },
  "a check and an insert without a unique constraint": { dispatch: withEffectOnce, isUnique: false },
  "a marker for each attempt instead of each event": {
    dispatch: (replica, reservation) => {
      const idempotencyKey: Reservation["idempotencyKey"] = `trigger.dedup.v1:${reservation.fence}`;
      return withEffectOnce(replica, { ...reservation, idempotencyKey }).then(() => receiptOf(reservation));
    },
  },
};

const scope = { events: 1, crashes: 2, preemptions: 1, world: () => new SimulatedDatabase(), holds };

describe("G11 an effect in a transaction, in the simulation", () => {
  it("is committed once in every schedule with one crash and one departure from a calm run", async () => {
    const { schedules } = await exhaust(service(withEffectOnce), { ...scope, crashes: 1 });
    expect(schedules).toBeGreaterThan(100);
  });

  it("is committed once in random schedules with crashes, lost answers and overlapping deliveries", async () => {
    await checkHandler(fc, service(withEffectOnce), { world: scope.world, holds, numRuns: 300 });
  });

  it.each(Object.entries(planted))(
    "is not with %s, and the search finds it",
    async (_mistake, { dispatch, isUnique }) => {
      const world = (): SimulatedDatabase => new SimulatedDatabase({ isUnique: isUnique ?? true });
      const search = checkHandler(fc, service(dispatch), { world, holds, numRuns: 2_000, seed: 7 });
      await expect(search).rejects.toThrow(/ledger: /);
    },
  );
});
