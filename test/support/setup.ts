import fc from "fast-check";

const seed = Number(process.env["LATCHKEY_SEED"]);
if (!Number.isInteger(seed)) {
  throw new Error(`Expected LATCHKEY_SEED to be a whole number, got ${process.env["LATCHKEY_SEED"]}`);
}

// The test files of a worker share one fast-check. A second installation would add the plugin twice.
if (fc.readConfigureGlobal().seed !== seed) {
  fc.configureGlobal({ seed });
  fc.installGlobalPlugin(fc.interruptAfterTimeLimit(60_000, { failOnInterrupt: true }));
}
