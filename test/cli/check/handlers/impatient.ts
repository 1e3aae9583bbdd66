import { setTimeout as pause } from "node:timers/promises";
import type { HandlerUnderTest } from "../../../../src/testing/index.ts";

const handler: HandlerUnderTest = () => async () => {
  await pause(1);
};

export default handler;
