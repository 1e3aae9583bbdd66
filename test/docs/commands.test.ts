import { existsSync, readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { latchkeyCommands, npmScripts, parseCommand, repositoryPaths } from "./commands.ts";
import { documents, textOf } from "./documents.ts";

/** Command line, page and arguments of every command. */
const commands = documents.flatMap((document) =>
  latchkeyCommands(textOf(document)).map((argv) => [argv.join(" "), document, argv] as const),
);

describe("a `latchkey` command in the documentation", () => {
  it.each(commands)("is accepted by the command line: latchkey %s (%s)", async (_line, _document, argv) => {
    await expect(parseCommand(argv)).resolves.toBeUndefined();
  });

  it("is found in the README and in the page about the command line", () => {
    const found = new Set(commands.map(([, document]) => document));
    expect(found).toContain("README.md");
    expect(found).toContain("docs/command-line.md");
  });

  it("is refused if it has an unknown option or an unknown command", async () => {
    await expect(parseCommand(["show", "--no-such-option", "billing"])).rejects.toThrow(CommanderError);
    await expect(parseCommand(["no-such-command"])).rejects.toThrow(CommanderError);
  });

  it("is read from shell blocks with quotes, continued lines, pipes, comments and here documents", () => {
    const markdown = [
      "```sh",
      "cat > file <<'END'",
      "latchkey nothing",
      "END",
      'latchkey show billing \'["/orders","42"]\' \\',
      "  --json | jq .   # a comment",
      "zcat events.gz | latchkey run --exec ./handle",
      "```",
      "`latchkey inline`",
      "```text",
      "latchkey text",
      "```",
    ].join("\n");
    expect(latchkeyCommands(markdown)).toEqual([
      ["show", "billing", '["/orders","42"]', "--json"],
      ["run", "--exec", "./handle"],
    ]);
  });
});

describe("the documentation", () => {
  it.each(documents)("names only npm scripts that exist: %s", (document) => {
    const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync("package.json", "utf8"));
    const missing = npmScripts(textOf(document)).filter((script) => !(script in manifest.scripts));
    expect(missing).toEqual([]);
  });

  it.each(documents)("names only files of the repository that exist: %s", (document) => {
    const missing = repositoryPaths(textOf(document)).filter((path) => !existsSync(path));
    expect(missing).toEqual([]);
  });

  it("names a missing file or script if there is one", () => {
    expect(repositoryPaths("see `src/no-such-file.ts`, `src/index.ts:3` and `test/chaos`")).toEqual([
      "src/no-such-file.ts",
      "src/index.ts",
      "test/chaos",
    ]);
    expect(npmScripts("`npm run no-such-script`, `npm test -- x` and `npm install y`")).toEqual([
      "no-such-script",
      "test",
    ]);
  });
});
