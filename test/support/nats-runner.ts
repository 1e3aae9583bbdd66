import { type RunnerTestFile, TestRunner } from "vitest";
import { skipFiles } from "./skipped-files.ts";

/** Skips whole files, hooks included, if there is no nats-server. */
export default class NatsRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (process.env["LATCHKEY_NATS_MISSING"] !== undefined) skipFiles(files);
  }
}
