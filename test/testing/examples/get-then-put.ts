import type { HandlerUnderTest } from "../../../src/testing/index.ts";

export const getThenPut: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    if ((await kv.get(event)) !== undefined) return; // seen before
    await effect(event);
    await kv.put(event, "done");
  };
