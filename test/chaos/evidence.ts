import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { History } from "../../src/history/history.ts";
import { parseHistory } from "../../src/history/history-text.ts";
import { type Booked, isBooked } from "./endpoint-books.ts";

/** All that was written down in a folder. */
export interface Evidence {
  readonly history: History;
  /** What the receiving side booked. */
  readonly books: readonly Booked[];
  /** The processes whose last line is torn: they were killed in the middle of it. */
  readonly torn: readonly string[];
}

export async function readEvidence(folder: string): Promise<Evidence> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ndjson")).sort();
  const history: History[number][] = [];
  const torn: string[] = [];
  for (const file of files) {
    const { whole, isTorn } = wholeLines(await readFile(join(folder, file), "utf8"));
    if (isTorn) torn.push(file.replace(".ndjson", ""));
    try {
      if (whole !== "") for (const line of parseHistory(whole)) history.push(line);
    } catch (cause) {
      throw new Error(`${file} cannot be read`, { cause });
    }
  }
  const killed = new Set(history.flatMap((line) => (line.type === "died" ? [line.process] : [])));
  const wrong = torn.filter((process) => !killed.has(process));
  if (wrong.length > 0) throw new Error(`The last line of ${wrong.join(" and ")} is torn, and nobody killed it`);
  return { history, books: booksIn(await readFile(join(folder, "books.txt"), "utf8")), torn };
}

/** A process that is killed can leave half a line behind: the last one of its file, without an end. */
function wholeLines(text: string): { readonly whole: string; readonly isTorn: boolean } {
  const end = text.lastIndexOf("\n") + 1;
  return { whole: text.slice(0, end), isTorn: end < text.length };
}

function booksIn(text: string): readonly Booked[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const booked: unknown = JSON.parse(line);
      if (!isBooked(booked)) throw new Error(`The endpoint booked ${line}`);
      return booked;
    });
}
