const { expect, test } = require("@jest/globals");
const fc = require("fast-check");

// Latchkey is an ES module. From Node 24.9 on, Jest can require it, too.
const load = async () => ({ ...(await import("latchkey/testing")), ...(await import("./consumer.mjs")) });

test("charges each order once, under any fault", async () => {
  const { checkHandler, consumer } = await load();
  await checkHandler(fc, consumer, { numRuns: 200 });
}, 60_000);

test("finds the hasty acknowledgement", async () => {
  const { checkHandler, CounterexampleError, hastyConsumer } = await load();
  await expect(checkHandler(fc, hastyConsumer)).rejects.toThrow(CounterexampleError);
}, 60_000);
