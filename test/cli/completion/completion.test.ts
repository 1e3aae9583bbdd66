import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completionScript, SHELLS } from "../../../src/cli/completion/completion.ts";
import { run } from "../support/fake-io.ts";

const start = promisify(execFile);

/** What a shell offers at the end of a line, as a person would see it after the tabulator key. */
type Complete = (line: string, cwd?: string) => Promise<readonly string[]>;

/** A program with what the command line has not: an argument that is a file, and a short option with a value. */
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

/** Bash hands a function the words of the line, cut at `=` too, and takes what it leaves in `COMPREPLY`. */
const inBash: Complete = async (line, cwd = folder) => {
  const words = line
    .split(" ")
    .flatMap((word) => word.split(/(=)/))
    .filter((word, at, all) => word !== "" || at === all.length - 1);
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines((await start("bash", ["--norc", "-c", script, "bash", ...words], { cwd })).stdout);
};

/** A shell on a terminal of its own, in which every match that Zsh is given is noted down. */
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

const COMMANDS = ["run", "key", "demo", "draw", "completion"];

const shells: ReadonlyArray<readonly [shell: string, complete: Complete]> = [
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
];

for (const [shell, complete] of shells) {
  const missing = await start(shell, ["-c", "true"]).then(
    () => "",
    () => ` (not run: there is no ${shell} here)`,
  );
  describe.skipIf(missing !== "")(`the completion of ${shell}${missing}`, () => {
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

    it("offers files where a file is wanted, and nothing where a name is", async () => {
      expect(await complete("latchkey run --file an")).toEqual([expect.stringMatching(/^an\\? event\.ndjson$/)]);
      expect(await complete("latchkey run --stream ")).toEqual([]);
    });

    it("knows what other programs have as well", async () => {
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

    it("leaves what follows --exec to the command there", async () => {
      expect(await complete("latchkey run --json --exec hea")).toContain("head");
      expect(await complete("latchkey run --exec head an")).toEqual([expect.stringMatching(/^an\\? event\.ndjson$/)]);
    });
  });
}

it("refuses a shell that it does not know", async () => {
  const { exitCode, err } = await run(["completion", "tcsh"]);
  expect(exitCode).toBe(2);
  expect(err).toContain("Allowed choices are bash, zsh, fish");
});
