import { test } from "node:test";
import fc from "fast-check";
import { Deduplicator } from "latchkey";
import { checkHandler, type HandlerSetup, type Reply } from "latchkey/testing";
import { createApp } from "./app.ts";
import { inject } from "./inject.ts";

/** Starts the application of one process, and delivers each message as a request. */
const shop: HandlerSetup = (replica) => {
  const app = createApp({ dedup: new Deduplicator({ ...replica }), ship: replica.effect });
  return async ({ event, payload }): Promise<Reply> => {
    const path = "/webhooks/orders";
    const status = await inject(app, { path, headers: { "x-order-id": event }, body: payload });
    if (status === 409) return { outcome: "pending" };
    if (status >= 400) throw new Error(`The webhook was answered with ${status}`);
    return { outcome: "dispatched" };
  };
};

void test("ships each order once, under any fault", async () => {
  await checkHandler(fc, shop, { numRuns: 100, message: (event) => ({ payload: { order: event } }) });
});
