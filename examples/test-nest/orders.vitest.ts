import "reflect-metadata";
import { Test } from "@nestjs/testing";
import fc from "fast-check";
import { Deduplicator } from "latchkey";
import { checkHandler, type HandlerSetup, type Reply } from "latchkey/testing";
import { test } from "vitest";
import { OrdersModule } from "./orders.ts";
import { SimulatedTransport } from "./simulated-transport.ts";

/** Starts the microservice of one process. The setup is asynchronous, and runs again after each crash. */
const microservice: HandlerSetup = async (replica) => {
  const orders = OrdersModule.register(new Deduplicator({ ...replica }), replica.effect);
  const module = await Test.createTestingModule({ imports: [orders] }).compile();
  const strategy = new SimulatedTransport();
  const app = module.createNestMicroservice({ strategy, logger: false });
  await app.listen();
  return async ({ payload }) => {
    const outcome = await strategy.deliver("order.placed", payload);
    if (!isReply(outcome)) throw new Error("The controller returned no outcome");
    return outcome;
  };
};

/** `checkHandler` validates the rest of the reply. */
function isReply(value: unknown): value is Reply {
  return typeof value === "object" && value !== null && "outcome" in value;
}

test("charges each order once, under any fault", async () => {
  await checkHandler(fc, microservice, { numRuns: 60, message: (event) => ({ payload: { order: event } }) });
}, 60_000);
