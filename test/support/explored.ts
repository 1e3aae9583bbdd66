import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RUN_FOLDER } from "./run-folder.ts";

const FOLDER = join(RUN_FOLDER, "explored");

/** Adds lines to the summary at the end of the test run. A second call with the same title replaces the first. */
export function noteExplored(title: string, lines: readonly string[]): void {
  mkdirSync(FOLDER, { recursive: true });
  const text = [title, ...lines.map((line) => `  ${line}`)].join("\n");
  writeFileSync(join(FOLDER, `${title.replaceAll(/\W+/g, "-")}.txt`), text);
}

/** Returns the lines added since the last call, in the order of their titles. */
export function takeExplored(): string[] {
  mkdirSync(FOLDER, { recursive: true });
  const texts = readdirSync(FOLDER)
    .sort()
    .map((name) => readFileSync(join(FOLDER, name), "utf8"));
  rmSync(FOLDER, { recursive: true });
  return texts;
}
