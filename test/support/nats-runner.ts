import { type RunnerTask, type RunnerTestFile, TestRunner } from "vitest";

/** Skips whole files, hooks included, when there is no nats-server. */
export default class NatsRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    if (process.env["LATCHKEY_NATS_MISSING"] !== undefined) files.forEach(skip);
  }
}

function skip(task: RunnerTask): void {
  task.mode = "skip";
  if ("tasks" in task) task.tasks.forEach(skip);
}
