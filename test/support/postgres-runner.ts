import { type RunnerTestFile, TestRunner } from "vitest";
import { skipFiles } from "./skipped-files.ts";

/** Skips whole files, hooks included, if there is no PostgreSQL server. */
export default class PostgresRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (process.env["LATCHKEY_POSTGRES_MISSING"] !== undefined) skipFiles(files);
  }
}
