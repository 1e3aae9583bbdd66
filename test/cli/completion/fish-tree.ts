import type { CommandTree, Completed } from "./command-tree.ts";
import { shellWords } from "./shell-words.ts";

interface Complete {
  readonly condition: string;
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly completed: Completed;
  readonly words: readonly string[];
}

/** Reads the completions of a fish script, one `complete` per line. */
export function fishTree(script: string): CommandTree {
  const lines = linesOf(script);
  const commands = ["", ...fishCommands(script)];
  return Object.fromEntries(
    commands.map((name) => {
      const condition = name === "" ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${name}`;
      const own = lines.filter((line) => line.condition === condition);
      return [
        name,
        {
          options: Object.fromEntries(
            own.flatMap(({ names, takesValue, completed }) =>
              names.map((option) => [option, takesValue ? completed : undefined]),
            ),
          ),
          arguments: name === "" ? [] : own.filter(({ names }) => names.length === 0).map(({ completed }) => completed),
        },
      ];
    }),
  );
}

/** Reads the names of the subcommands. */
export function fishCommands(script: string): readonly string[] {
  return linesOf(script)
    .filter(
      ({ condition, names, words }) =>
        condition === "__fish_use_subcommand" && names.length === 0 && words.includes("-a"),
    )
    .map(({ words }) => words[words.indexOf("-a") + 1] ?? "");
}

function linesOf(script: string): readonly Complete[] {
  return script
    .split("\n")
    .filter((line) => line.startsWith("complete "))
    .map((line) => {
      const words = shellWords(line, "backslash");
      const after = (flag: string): string | undefined =>
        words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;
      const [long, short] = [after("-l"), after("-s")];
      const names = [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])];
      return {
        condition: after("-n") ?? "",
        names,
        takesValue: words.includes("-r"),
        completed: completed(words, after("-a")),
        words,
      };
    });
}

function completed(words: readonly string[], offered: string | undefined): Completed {
  if (offered === "(__fish_complete_command)") return "command";
  if (offered !== undefined) return offered.split(" ");
  return words.includes("-F") ? "files" : "nothing";
}
