import assert from "node:assert/strict";
import { Deduplicator, type Reservation } from "../../src/index.ts";
import { effectOnce } from "../../src/postgres/index.ts";
import type { HandlerUnderTest, Replica } from "../../src/testing/index.ts";
import { type SimulatedDatabase, SimulatedTransaction } from "./simulated-database.ts";

type Dispatch = (replica: Replica<SimulatedDatabase>, reservation: Reservation) => Promise<unknown>;

/** A service that guards each event, and dispatches it with `dispatch`. Its result shows whether the kept value is right. */
export function service(dispatch: Dispatch): HandlerUnderTest<SimulatedDatabase> {
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

export const withEffectOnce: Dispatch = async (replica, reservation) => {
  const tx = new SimulatedTransaction(replica);
  const value = await effectOnce(tx, reservation, async () => {
    await tx.addToLedger(reservation.idempotencyKey);
    return receiptOf(reservation);
  });
  await tx.commit();
  return value;
};

/** Mistakes in the place of `effectOnce`, by what they do. */
export const simulatedMistakes: Readonly<Record<string, { readonly dispatch: Dispatch; readonly isUnique?: boolean }>> =
  {
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
