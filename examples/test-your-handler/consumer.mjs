import { Deduplicator } from "latchkey";

/**
 * Handles one message of a queue. Production passes its own deduplicator, and `charge` calls the payment provider.
 *
 * @param {{
 *   dedup: Deduplicator;
 *   charge: (order: string, reservation: import("latchkey").Reservation) => Promise<void>;
 * }} service
 */
export function createConsumer({ dedup, charge }) {
  /** @param {string} order */
  return (order) =>
    dedup.guard({ subscriptionId: "charge-orders", eventId: order }, (reservation) => charge(order, reservation));
}

/**
 * The consumer as the simulation starts it: with a simulated store, clock and effect.
 *
 * @type {import("latchkey/testing").HandlerUnderTest}
 */
export const consumer = (replica) => {
  const handle = createConsumer({ dedup: new Deduplicator({ ...replica }), charge: replica.effect });
  return ({ event }) => handle(event);
};

/**
 * The same service with a mistake: it acknowledges an order that another delivery is still charging.
 *
 * @type {import("latchkey/testing").HandlerUnderTest}
 */
export const hastyConsumer = (replica) => {
  const handle = consumer(replica);
  return async (delivery) => {
    await handle(delivery);
  };
};
