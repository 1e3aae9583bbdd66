import type { CommandSyntax, OptionSyntax, ProgramSyntax, ValueSyntax } from "./syntax.ts";

/** Generates a script for Zsh 5, as a file `_<name>` in `$fpath` or to be sourced. */
export function zshScript({ name, options, commands }: ProgramSyntax): string {
  const own = `_${name.replaceAll(/\W/g, "_")}`;
  return `#compdef ${name}
# Completes ${name} in Zsh. In ~/.zshrc, after compinit:
#   source <(${name} completion zsh)
${own}() {
  local -a subcommands
  local context state state_descr line
  typeset -A opt_args
  subcommands=(
${commands.map((command) => `    ${quoted(`${command.name}:${command.summary}`)}`).join("\n")}
  )
  _arguments -C \\
${[...options.map(optionSpec), "'1: :->command'", "'*:: :->rest'"].map((spec) => `    ${spec}`).join(" \\\n")} && return
  case $state in
    command) _describe command subcommands ;;
    rest)
      case $line[1] in
${commands.map(commandCase).join("\n")}
      esac ;;
  esac
}
if [[ $funcstack[1] == ${own} ]]; then ${own} "$@"; else compdef ${own} ${name}; fi
`;
}

function commandCase({ name, options, arguments: places }: CommandSyntax): string {
  const specs = [...options.map(optionSpec), ...places.map((value, at) => `${at + 1}${argumentOf(value)}`).map(quoted)];
  return `        ${name}) _arguments ${specs.map((spec) => `\\\n          ${spec}`).join(" ")} ;;`;
}

/** Formats an option: `'(-h --help)'{-h,--help}'[print this help]'`. */
function optionSpec({ names, description, value }: OptionSyntax): string {
  const takes = value !== undefined && value.of !== "command";
  const all = names.map((name) => (takes && name.startsWith("--") ? `${name}=` : name));
  const explained = `[${description.replaceAll(/[[\]\\]/g, "\\$&")}]${value === undefined ? "" : argumentOf(value)}`;
  if (all.length === 1) return quoted(all.join("") + explained);
  return `${quoted(`(${names.join(" ")})`)}{${all.join(",")}}${quoted(explained)}`;
}

/** Formats a value: `:message:action`. */

function argumentOf(value: ValueSyntax): string {
  switch (value.of) {
    case "choices":
      return `: :(${value.choices.join(" ")})`;
    case "path":
      return ":file:_files";
    case "command":
      return ":*::command:_normal";
    case "text":
      return `:${value.what}: `;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
