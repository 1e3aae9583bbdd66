import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CounterexampleError, checkHandler } from "latchkey/testing";
import { consumer, hastyConsumer } from "./consumer.mjs";

void test("charges each order once, under any fault", async () => {
  await checkHandler(fc, consumer, { numRuns: 200 });
});

void test("finds the hasty acknowledgement", async () => {
  await assert.rejects(checkHandler(fc, hastyConsumer), CounterexampleError);
});
