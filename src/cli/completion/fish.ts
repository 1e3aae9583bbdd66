import type { CommandSyntax, OptionSyntax, ProgramSyntax, ValueSyntax } from "./syntax.ts";

/** Generates a script for fish 3 or later. */
export function fishScript({ name, options, commands }: ProgramSyntax): string {
  const lines = [
    "-f",
    ...options.flatMap((option) => optionLines(option, "__fish_use_subcommand")),
    ...commands.map((one) => `-n __fish_use_subcommand -a ${one.name} -d ${quoted(one.summary)}`),
    ...commands.flatMap(commandLines),
  ];
  return `# Completes ${name} in fish. In ~/.config/fish/config.fish:
#   ${name} completion fish | source
${lines.map((line) => `complete -c ${name} ${line}`).join("\n")}
`;
}

function commandLines({ name, options, arguments: places }: CommandSyntax): string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  return [
    ...options.flatMap((option) => optionLines(option, seen)),
    // The position of an argument is ignored: a choice is offered again after it was made.
    ...places.flatMap((value) => valueFlags(value).map((flags) => `-n ${quoted(seen)} ${flags}`)),
  ];
}

function optionLines({ names, description, value }: OptionSyntax, condition: string): string[] {
  const flags = names.map((one) => (one.startsWith("--") ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
  const takes = value === undefined ? [] : ["-r", ...valueFlags(value)];
  const line = [`-n ${quoted(condition)}`, ...flags, ...takes, `-d ${quoted(description)}`].join(" ");
  if (value?.of !== "command") return [line];
  const isHandedOver = names.map((one) => `__fish_contains_opt ${one.replace(/^-+/, "")}`).join("; or ");
  return [line, `-n ${quoted(isHandedOver)} -F`];
}

function valueFlags(value: ValueSyntax): string[] {
  switch (value.of) {
    case "choices":
      return [`-f -a ${quoted(value.choices.join(" "))}`];
    case "path":
      return ["-F"];
    case "command":
      return [`-a ${quoted("(__fish_complete_command)")}`];
    case "text":
      return ["-f"];
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
