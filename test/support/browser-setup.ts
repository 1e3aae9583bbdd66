// Without a browser the tests are skipped by the runner and listed at the end of the run; on CI they fail instead.
const missing = process.env["LATCHKEY_CHROMIUM_MISSING"];
if (missing !== undefined && process.env["CI"]) throw new Error(`These tests need a Chromium: ${missing}`);
