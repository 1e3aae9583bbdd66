import { type RunnerTestFile, TestRunner } from "vitest";
import { skipFiles } from "./skipped-files.ts";

/** Skips whole files, hooks included, if there is no browser. */
export default class BrowserRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (process.env["LATCHKEY_CHROMIUM_MISSING"] !== undefined) skipFiles(files);
  }
}
