import { Deduplicator, dedupKey, memoryStore } from "latchkey";

// A page that guards one event three times. `core.browser.test.ts` bundles and runs it.

const identity = { workspaceId: "tenant-ü", subscriptionId: "sub-1", eventId: "evt-1" };
const dedup = new Deduplicator({ store: memoryStore(), keepResults: true });
const outcomes: unknown[] = [];
let dispatches = 0;
let idempotencyKey = "";
for (let delivery = 0; delivery < 3; delivery += 1) {
  const { outcome } = await dedup.guard(identity, (reservation) => {
    dispatches += 1;
    idempotencyKey = reservation.idempotencyKey;
    return { run: dispatches };
  });
  outcomes.push(outcome);
}
const entry = await dedup.peek(identity);
await dedup.close();

const shown = JSON.stringify({
  outcomes,
  dispatches,
  idempotencyKey,
  storeKey: entry?.key,
  dedupKey: dedupKey("sub-1", "evt-1"),
  owner: dedup.owner,
});
console.log(shown);
