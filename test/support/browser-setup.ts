// Without a browser, the runner skips the tests and the reporter lists them. On CI they fail instead.
const missing = process.env["LATCHKEY_CHROMIUM_MISSING"];
if (missing !== undefined && process.env["CI"]) throw new Error(`These tests need a Chromium: ${missing}`);
