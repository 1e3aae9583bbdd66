import "reflect-metadata";
import { Test } from "@nestjs/testing";
import fc from "fast-check";
import { Deduplicator } from "latchkey";
import { checkHandler, type HandlerSetup } from "latchkey/testing";
import { test } from "vitest";
import { OrdersModule } from "../nest-microservice/orders.ts";
import { SimulatedTransport } from "./simulated-transport.ts";

/** Starts the microservice of one process. The setup is asynchronous, and runs again after each crash. */
const microservice: HandlerSetup = async (replica) => {
  const module = await Test.createTestingModule({ imports: [OrdersModule.register(replica.effect)] }).compile();
  const strategy = new SimulatedTransport();
  const app = module.createNestMicroservice({ strategy, logger: false });
  await app.listen();
  const dedup = new Deduplicator({ ...replica });
  // In production, `consume` calls `guard`.
  return ({ event }) =>
    dedup.guard({ subscriptionId: "EVENTS/trigger", eventId: event }, (reservation) =>
      strategy.deliver("events.order", { order: event }, { reservation }),
    );
};

test("charges each order once, under any fault", async () => {
  await checkHandler(fc, microservice, { numRuns: 60 });
}, 60_000);
