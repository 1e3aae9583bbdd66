import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../.cache/explored");

/** Lines for the summary at the end of the run: what was explored, and how much of it. Once for each title and process. */
export function noteExplored(title: string, lines: readonly string[]): void {
  mkdirSync(FOLDER, { recursive: true });
  const text = [title, ...lines.map((line) => `  ${line}`)].join("\n");
  writeFileSync(join(FOLDER, `${title.replaceAll(/\W+/g, "-")}.txt`), text);
}

/** What was noted since the last time, in the order of the titles. */
export function takeExplored(): string[] {
  mkdirSync(FOLDER, { recursive: true });
  const texts = readdirSync(FOLDER)
    .sort()
    .map((name) => readFileSync(join(FOLDER, name), "utf8"));
  rmSync(FOLDER, { recursive: true });
  return texts;
}
