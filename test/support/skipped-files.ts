import type { RunnerTask, RunnerTestFile } from "vitest";

/** Skips whole files, hooks included. */
export function skipFiles(files: readonly RunnerTestFile[]): void {
  for (const file of files) skip(file);
}

function skip(task: RunnerTask): void {
  task.mode = "skip";
  if ("tasks" in task) task.tasks.forEach(skip);
}
