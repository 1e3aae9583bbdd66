import fc from "fast-check";

const seed = Number(process.env["LATCHKEY_SEED"]);
if (!Number.isInteger(seed))
  throw new Error(`LATCHKEY_SEED must be a whole number, not ${process.env["LATCHKEY_SEED"]}`);

fc.configureGlobal({ seed });
fc.installGlobalPlugin(fc.interruptAfterTimeLimit(60_000, { failOnInterrupt: true }));
