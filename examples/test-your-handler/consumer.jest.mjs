import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CounterexampleError, checkHandler } from "latchkey/testing";
import { consumer, hastyConsumer } from "./consumer.mjs";

test("charges each order once, under any fault", async () => {
  await checkHandler(fc, consumer, { numRuns: 200 });
}, 60_000);

test("finds the hasty acknowledgement", async () => {
  await expect(checkHandler(fc, hastyConsumer)).rejects.toThrow(CounterexampleError);
}, 60_000);
