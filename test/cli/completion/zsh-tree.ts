import type { CommandTree, Completed, Offered } from "./command-tree.ts";
import { shellWords } from "./shell-words.ts";

/** Reads the completions of a Zsh script from the specifications of each `_arguments`. */
export function zshTree(script: string): CommandTree {
  const text = script.replaceAll("\\\n", "");
  const [, program = ""] = /_arguments -C (.*) && return/.exec(text) ?? [];
  const [, cases = ""] = /case \$line\[1\] in\n([\s\S]*?)\n\s*esac/.exec(text) ?? [];
  const commands = [...cases.matchAll(/^\s*(\S+)\) _arguments (.*) ;;$/gm)];
  const tree: Record<string, Offered> = { "": offered(program) };
  for (const [, name = "", specs = ""] of commands) tree[name] = offered(specs);
  return tree;
}

/** Reads the names of the subcommands. */
export function zshCommands(script: string): readonly string[] {
  const [, list = ""] = /subcommands=\(([\s\S]*?)\n {2}\)/.exec(script) ?? [];
  return shellWords(list, "none").map((word) => word.split(":")[0] ?? "");
}

function offered(specs: string): Offered {
  const options: Record<string, Completed | undefined> = {};
  const places: Completed[] = [];
  for (const spec of shellWords(specs, "none").flatMap(expanded)) {
    const place = /^\d+(?<value>:.*)$/.exec(spec)?.groups?.["value"];
    if (place !== undefined && !place.includes(":->")) places.push(completed(place));
    const [, name = "", value = ""] = /^(--?[\w-]+)=?\[(?:[^\\\]]|\\.)*\](.*)$/.exec(spec) ?? [];
    if (name !== "") options[name] = value === "" ? undefined : completed(value);
  }
  return { options, arguments: places };
}

/** Expands `(-h --help){-h,--help}[…]` into one specification per name. */
function expanded(spec: string): readonly string[] {
  const [, names, rest = ""] = /^\([^)]*\)\{([^}]*)\}([\s\S]*)$/.exec(spec) ?? [];
  return names === undefined ? [spec] : names.split(",").map((name) => name + rest);
}

function completed(value: string): Completed {
  if (value.endsWith(":_files")) return "files";
  if (value.endsWith(":_normal")) return "command";
  const choices = /:\((.*)\)$/.exec(value)?.[1];
  return choices === undefined ? "nothing" : choices.split(" ");
}
