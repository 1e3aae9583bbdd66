import { readFileSync } from "node:fs";

/** Returns a source file as a reader of the documentation has it: importing the package by its name. */
export function shownSource(path: string): string {
  return readFileSync(path, "utf8")
    .replaceAll(/"(?:\.\.\/)+src\/index\.ts"/g, '"latchkey"')
    .replaceAll(/"(?:\.\.\/)+src\/(\w+)\/index\.ts"/g, '"latchkey/$1"');
}
