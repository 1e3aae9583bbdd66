import type { HandlerUnderTest } from "../../../src/testing/index.ts";

export const pendingIsDuplicate: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0 });
    if (!claim.ok) return; // another delivery has the key: acknowledge
    await effect(event);
    await kv.put(event, "done");
  };
