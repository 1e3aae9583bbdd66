import { existsSync, readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { type Commands, createProgram } from "../../src/cli/program.ts";
import { FakeIo } from "../cli/support/fake-io.ts";
import { latchkeyCommands, npmScripts, repositoryPaths } from "./commands.ts";
import { documents, textOf } from "./documents.ts";

/** Command line, page and arguments of every command. */
const commands = documents.flatMap((document) =>
  latchkeyCommands(textOf(document)).map((argv) => [argv.join(" "), document, argv] as const),
);

/** Parses a command as the command line does, without running it. */
async function parse(argv: readonly string[]): Promise<void> {
  const none: Commands = JSON.parse("{}");
  const idle = new Proxy(none, { get: () => async () => {} });
  const exec = argv.indexOf("--exec");
  // Everything after --exec belongs to the command it runs.
  const own = exec < 0 ? argv : argv.slice(0, exec + 2);
  await createProgram(new FakeIo(), idle).parseAsync([...own], { from: "user" });
}

describe("a `latchkey` command in the documentation", () => {
  it.each(commands)("is accepted by the command line: latchkey %s (%s)", async (_line, _document, argv) => {
    await expect(parse(argv)).resolves.toBeUndefined();
  });

  it("is found in the README and in the page about the command line", () => {
    const found = new Set(commands.map(([, document]) => document));
    expect(found).toContain("README.md");
    expect(found).toContain("docs/command-line.md");
  });

  it("is refused if it has an unknown option or an unknown command", async () => {
    await expect(parse(["show", "--no-such-option", "billing"])).rejects.toThrow(CommanderError);
    await expect(parse(["no-such-command"])).rejects.toThrow(CommanderError);
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
