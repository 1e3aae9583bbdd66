import { join } from "node:path";

/** Folder for the results of this run of vitest. `scripts/test.mjs` names another one for each of its runs. */
export const RUN_FOLDER = process.env["LATCHKEY_TEST_FOLDER"] ?? join(import.meta.dirname, "../../.cache/test-run");
