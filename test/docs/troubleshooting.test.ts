import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { SUSPICIONS } from "../../src/inspect/conclusions/suspicion.ts";
import { type KeyContent, verdictOf } from "../../src/inspect/conclusions/verdict.ts";
import { DEAD_LETTER_REASONS } from "../../src/model/dead-letter.ts";
import { parseCommand } from "./commands.ts";
import { textOf } from "./documents.ts";

const page = textOf("docs/troubleshooting.md");
/** Every inline quotation of the page: output, options, codes, members. */
const quoted = [...page.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`(?<text>[^`]+)`/g)].map(
  ({ groups }) => groups?.["text"] ?? "",
);
const isCommand = (text: string): boolean => text.startsWith("latchkey ");

/** Returns the rows of a section's table, as the quotations in their first cells. */
function firstCells(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| (?<cell>.*?`.*?) \| /gm)].map(({ groups }) => groups?.["cell"] ?? "");
}

const now = { nowMs: 100_000, skewMs: 2_000 };
const held = { owner: "web-3", attempt: 1, beganAtMs: 90_000, leaseFromMs: 90_000, leaseMs: 30_000 };
const findings: readonly KeyContent[] = [
  { state: "empty" },
  { state: "removed", removedAtMs: 1_000 },
  {
    state: "removed",
    removedAtMs: 1_000,
    failure: { owner: "web-3", attempt: 1, atMs: 1_000, error: "TypeError" },
  },
  { state: "unreadable", reason: "it is not JSON" },
  { state: "committed", owner: "web-3", attempt: 1, committedAtMs: 1_000, windowEndMs: 200_000 },
  { state: "reserved", ...held },
  { state: "reserved", ...held, leaseMs: 5_000 },
];

function sourceText(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
}

describe("the page about troubleshooting", () => {
  it("has one row for each conclusion that `latchkey show` prints", () => {
    const rows = firstCells("My event was not dispatched").flatMap(
      (cell) => /^`(?<text>[^`]+)`/.exec(cell)?.groups?.["text"] ?? [],
    );
    const matches = (text: string, row: string): boolean => row.split("…").every((part) => text.includes(part.trim()));
    const explained = findings.map((finding) => {
      const { text } = verdictOf(finding, now);
      return rows.filter((row) => matches(text, row));
    });
    expect(explained.map(({ length }) => length)).toEqual(findings.map(() => 1));
    expect(new Set(explained.flat())).toEqual(new Set(rows));
  });

  it("explains every state of `latchkey list` that needs attention", () => {
    const cells = firstCells("Everything is pending").join("\n");
    expect(SUSPICIONS.filter((suspicion) => !cells.includes(`\`${suspicion}\``))).toEqual([]);
  });

  it("explains every reason of a dead letter, and no other", () => {
    const reasons = firstCells("A dead letter appears").map((cell) => cell.replaceAll("`", ""));
    expect(reasons.toSorted()).toEqual(DEAD_LETTER_REASONS.toSorted());
  });

  it("quotes only commands that the command line accepts", async () => {
    const commands = quoted.filter(isCommand);
    expect(commands.length).toBeGreaterThan(5);
    const problems = await Promise.all(
      commands.map((command) =>
        parseCommand(command.split(" ").slice(1)).then(
          () => "none",
          (error: unknown) => (error instanceof CommanderError ? error.code : String(error)),
        ),
      ),
    );
    // A quotation that only names a command or an option leaves out its argument.
    const allowed = ["none", "commander.missingArgument", "commander.optionMissingArgument"];
    expect(commands.filter((_, index) => !allowed.includes(problems[index] ?? ""))).toEqual([]);
  });

  it("quotes only words that the sources contain", () => {
    const sources = `${sourceText("src")}\n${sourceText("machines")}`;
    const missing = quoted
      .filter((text) => !isCommand(text))
      .flatMap((text) => text.split("…"))
      .flatMap((text) => text.split(/: (?=true$)/))
      .map((text) => text.trim().replace(/\(\)$/, ""))
      .filter((text) => !sources.includes(text));
    expect(missing).toEqual([]);
  });
});
