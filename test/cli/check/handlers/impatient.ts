import { setTimeout as pause } from "node:timers/promises";
import type { HandlerUnderTest } from "../../../../src/testing/index.ts";

export const handler: HandlerUnderTest = () => async () => {
  await pause(1);
};
