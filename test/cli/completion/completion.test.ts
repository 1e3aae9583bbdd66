import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandContext } from "../../../src/cli/command-context.ts";
import { completionScript, SHELLS } from "../../../src/cli/completion/completion.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { FakeIo, run } from "../support/fake-io.ts";
import { treeOf } from "./command-tree.ts";
import { fishCommands, fishTree } from "./fish-tree.ts";
import { zshCommands, zshTree } from "./zsh-tree.ts";

const start = promisify(execFile);

/** Returns the completions that a shell offers at the end of a line. */
type Complete = (line: string, cwd?: string) => Promise<readonly string[]>;

/** Returns a program with a file argument and a short option with a value. */
function otherProgram(): Command {
  const program = new Command("latchkey").helpCommand(false);
  program.command("open").description("it's [open]").argument("<path>").option("-o, --out <path>", "where `to`");
  return program;
}

let folder: string;
let otherFolder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-completion-"));
  otherFolder = join(folder, "other");
  await mkdir(otherFolder);
  for (const shell of SHELLS) {
    const { exitCode, out } = await run(["completion", shell]);
    expect(exitCode).toBe(0);
    await writeFile(join(folder, shell), out);
    await writeFile(join(otherFolder, shell), completionScript(shell, otherProgram()));
  }
  for (const place of [folder, otherFolder]) await writeFile(join(place, "an event.ndjson"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

/** Bash passes the words of the line, also split at `=`, and reads the result from `COMPREPLY`. */
const inBash: Complete = async (line, cwd = folder) => {
  const words = line
    .split(" ")
    .flatMap((word) => word.split(/(=)/))
    .filter((word, at, all) => word !== "" || at === all.length - 1);
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines((await start("bash", ["--norc", "-c", script, "bash", ...words], { cwd })).stdout);
};

/** Runs an interactive Zsh on its own terminal, and records every match. */
const inZsh: Complete = async (line, cwd = folder) => {
  const noting = [
    "PS1= RPS1= zle_bracketed_paste=(); autoload -Uz compinit; compinit -u -D; source ./zsh",
    'compadd() { [[ $* == *-[OAD]\\ * ]] || { local -a found; builtin compadd -O found "$@"; print -rl -- $found >>found }; builtin compadd "$@" }',
    "typeset -g asked; ask() { zle complete-word; print -r -- END >>found; exit }; zle -N ask; bindkey '^I' ask",
  ];
  const script = `
    zmodload zsh/zpty
    : >found
    zpty shell zsh -f -i
    for line in "\${@[1,-2]}"; do zpty -w shell "$line"; done
    zpty -w -n shell "\${@[-1]}"$'\\t'
    while zpty -r shell seen; do [[ "$(<found)" == *END* ]] && break; done
    cat found`;
  const { stdout } = await start("zsh", ["-f", "-c", script, "zsh", ...noting, line], { cwd });
  return lines(stdout).filter((match) => match !== "END");
};

const inFish: Complete = async (line, cwd = folder) => {
  const script = 'source ./fish; complete -C "$argv[1]"';
  const how = { cwd, env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder } };
  const { stdout } = await start("fish", ["--no-config", "-c", script, line], how);
  return lines(stdout).map((match) => match.split("\t")[0] ?? "");
};

/** Parses commands without running them. */
const idle: CommandContext = { run: async () => {}, exec: undefined };

const COMMANDS = ["run", "key", "demo", "draw", "completion"];

/** Zsh and fish run where they are installed. The tests below verify their scripts everywhere. */
const shells: ReadonlyArray<readonly [shell: string, complete: Complete]> = [
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
];

const installed = await Promise.all(
  shells.map(([shell]) =>
    start(shell, ["-c", "true"]).then(
      () => true,
      () => shell === "bash",
    ),
  ),
);

describe.each(shells.filter((_, at) => installed[at]))("the completion of %s", (_, complete) => {
  it("offers the commands", async () => {
    expect(await complete("latchkey ")).toEqual(expect.arrayContaining(COMMANDS));
    expect(await complete("latchkey comp")).toEqual(["completion"]);
  });

  it("offers the options of the command, and of no other", async () => {
    const offered = await complete("latchkey run --");
    expect(offered).toEqual(expect.arrayContaining(["--stream", "--dead-letter", "--json", "--help"]));
    expect(offered).not.toContain("--seed");
    expect(await complete("latchkey demo --s")).toEqual(["--seed"]);
  });

  it("offers an argument's choices", async () => {
    expect([...(await complete("latchkey draw "))].sort()).toEqual(["dedup-key", "delivery"]);
    expect(await complete("latchkey draw --json del")).toEqual(["delivery"]);
  });

  it("offers files for a path, and nothing for a name", async () => {
    expect(await complete("latchkey run --file an")).toEqual([expect.stringMatching(/^an\\? event\.ndjson$/)]);
    expect(await complete("latchkey run --stream ")).toEqual([]);
  });

  it("completes an argument and a short option that are files", async () => {
    expect(await complete("latchkey op", otherFolder)).toEqual(["open"]);
    expect(await complete("latchkey open an", otherFolder)).toEqual([expect.stringMatching(/^an\\? event\.ndjson$/)]);
    expect(await complete("latchkey open -o an", otherFolder)).toEqual([
      expect.stringMatching(/^an\\? event\.ndjson$/),
    ]);
    expect(await complete("latchkey open --o", otherFolder)).toEqual([expect.stringMatching(/^--out=?$/)]);
  });

  it("completes a value behind an equals sign", async () => {
    expect(await complete("latchkey list --state=res")).toEqual([expect.stringMatching(/^(--state=)?reserved$/)]);
  });

  it("completes the command after --exec", async () => {
    expect(await complete("latchkey run --json --exec hea")).toContain("head");
    expect(await complete("latchkey run --exec head an")).toEqual([expect.stringMatching(/^an\\? event\.ndjson$/)]);
  });
});

describe.each([
  ["zsh", zshTree, zshCommands],
  ["fish", fishTree, fishCommands],
] as const)("the script for %s", (shell, read, commandsIn) => {
  it("offers every command, and every option and argument of it with its value", async () => {
    const program = createProgram(new FakeIo(), idle);
    const script = completionScript(shell, program);
    expect(commandsIn(script)).toEqual(program.commands.map((command) => command.name()));
    expect(commandsIn(script)).toEqual(expect.arrayContaining(COMMANDS));
    expect(read(script)).toEqual(treeOf(program));
  });

  it("offers files for an argument and for a short option", () => {
    expect(read(completionScript(shell, otherProgram()))).toEqual(treeOf(otherProgram()));
    expect(read(completionScript(shell, otherProgram()))["open"]).toEqual({
      options: { "-o": "files", "--out": "files", "-h": undefined, "--help": undefined },
      arguments: ["files"],
    });
  });

  it("offers a command after --exec and no file after --stream", () => {
    const tree = read(completionScript(shell, createProgram(new FakeIo(), idle)));
    expect(tree["run"]?.options).toMatchObject({ "--exec": "command", "--stream": "nothing", "--file": "files" });
    expect(tree["list"]?.options["--state"]).toEqual(["reserved", "committed", "unreadable", "failed"]);
    expect(tree["draw"]?.arguments).toEqual([["dedup-key", "delivery"]]);
  });
});

it("the script for fish completes file names after the command of --exec", async () => {
  const script = (await run(["completion", "fish"])).out;
  expect(script).toContain("complete -c latchkey -n '__fish_contains_opt exec' -F\n");
});

it("an unknown shell is refused", async () => {
  const { exitCode, err } = await run(["completion", "tcsh"]);
  expect(exitCode).toBe(2);
  expect(err).toContain("Allowed choices are bash, zsh, fish");
});
