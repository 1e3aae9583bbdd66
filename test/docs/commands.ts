import { createProgram } from "../../src/cli/program.ts";
import { FakeIo } from "../cli/support/fake-io.ts";

/** Parses a command as the command line does, without running it. @throws {CommanderError} if it is wrong. */
export async function parseCommand(argv: readonly string[]): Promise<void> {
  const exec = argv.indexOf("--exec");
  // Everything after --exec belongs to the command it runs.
  const own = exec < 0 ? argv : argv.slice(0, exec + 2);
  await createProgram(new FakeIo(), { run: async () => {}, exec: undefined }).parseAsync([...own], { from: "user" });
}

/** Returns the arguments of each `latchkey` command in the shell blocks of a page. */
export function latchkeyCommands(markdown: string): string[][] {
  return [...markdown.matchAll(/^```sh\n(?<script>[\s\S]*?)^```$/gm)]
    .flatMap(({ groups }) => commandsOf(groups?.["script"] ?? ""))
    .flatMap((words) => (words[0] === "latchkey" ? [words.slice(1)] : []));
}

/** Returns what a page shows as the output of a command: the block of text after the shell block that begins with the command. */
export function shownOutputs(markdown: string): ReadonlyMap<string, string> {
  const pairs = /^```sh\n(?<script>latchkey .*\n(?:(?!```).*\n)*)```\n\n```text\n(?<output>(?:(?!```).*\n)*)```$/gm;
  return new Map(
    [...markdown.matchAll(pairs)].map(({ groups }) => {
      const [words = []] = commandsOf(groups?.["script"] ?? "");
      return [words.slice(1).join(" "), groups?.["output"] ?? ""];
    }),
  );
}

/** Returns the npm scripts that a page runs, in a shell block or inline. */
export function npmScripts(markdown: string): string[] {
  return [...markdown.matchAll(/\bnpm (?:run (?:-s )?(?<script>[\w:-]+)|(?<builtIn>start|test)\b)/g)].map(
    ({ groups }) => groups?.["script"] ?? groups?.["builtIn"] ?? "",
  );
}

/** Returns the paths in backticks that lie in a folder of the repository. Paths with placeholders are left out. */
export function repositoryPaths(markdown: string): string[] {
  return [...markdown.matchAll(/`(?<path>(?:src|machines|test|scripts)\/[\w./-]*)(?::\d+)?`/g)].map(
    ({ groups }) => groups?.["path"] ?? "",
  );
}

/** Splits a script into simple commands, and those into words. */
function commandsOf(script: string): string[][] {
  const withoutHereDocuments = script.replace(/<<'(\w+)'\n[\s\S]*?^\1$/gm, "");
  const joined = withoutHereDocuments.replaceAll("\\\n", " ");
  return joined.split("\n").flatMap((line) => {
    const commands: string[][] = [[]];
    for (const [token] of line.matchAll(/'[^']*'|"(?:[^"\\]|\\.)*"|[|;]|#.*|[^\s'"|;#]+/g)) {
      if (token.startsWith("#")) break;
      if (token === "|" || token === ";") commands.push([]);
      else commands.at(-1)?.push(token.replace(/^(['"])(?<text>[\s\S]*)\1$/, "$<text>"));
    }
    return commands.filter((words) => words.length > 0);
  });
}
