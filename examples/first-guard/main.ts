import { Deduplicator, memoryStore } from "latchkey";

// Receives deliveries of one event, as from a sender that retries, and charges the customer once.

const dedup = new Deduplicator({ store: memoryStore() });
let attempts = 0;

async function charge(idempotencyKey: string): Promise<string> {
  attempts += 1;
  if (attempts === 1) throw new Error("the payment provider is away");
  return `paid under ${idempotencyKey.slice(0, 24)}…`;
}

/** Receives one delivery, and says what the sender gets. */
async function deliver(subscriptionId: string): Promise<string> {
  try {
    const outcome = await dedup.guard({ subscriptionId, eventId: "order-42" }, ({ idempotencyKey }) =>
      charge(idempotencyKey),
    );
    switch (outcome.outcome) {
      case "dispatched":
        return `dispatched, ${outcome.value}: acknowledge`;
      case "duplicate":
        return "duplicate: acknowledge";
      case "pending":
        return "pending: deliver again, because the holder may still fail";
    }
  } catch (error) {
    return `${String(error)}: deliver again`;
  }
}

console.log("1st delivery:", await deliver("billing"));
const [second, third] = await Promise.all([deliver("billing"), deliver("billing")]);
console.log("2nd delivery:", second);
console.log("3rd, at the same time:", third);
console.log("4th delivery:", await deliver("billing"));
console.log("another subscription:", await deliver("loyalty-points"));

await dedup.close();
