import type { Argument, Command, Option } from "commander";

/** Values that a position of the command line accepts. */
export type ValueSyntax =
  | { readonly of: "choices"; readonly choices: readonly string[] }
  | { readonly of: "path" }
  /** A command with its own arguments, up to the end of the line. */
  | { readonly of: "command" }
  | { readonly of: "text"; readonly what: string };

export interface OptionSyntax {
  /** Names such as `-h` and `--help`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for a flag. */
  readonly value: ValueSyntax | undefined;
}

export interface CommandSyntax {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSyntax[];
  /** Positional arguments, in order. */
  readonly arguments: readonly ValueSyntax[];
}

export interface ProgramSyntax {
  readonly name: string;
  readonly options: readonly OptionSyntax[];
  readonly commands: readonly CommandSyntax[];
}

/** Reads the command tree. An option or argument named `<path>` completes file names. */
export function syntaxOf(program: Command): ProgramSyntax {
  return {
    name: program.name(),
    options: optionsOf(program),
    commands: program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary() === "" ? command.description() : command.summary(),
      options: optionsOf(command),
      arguments: command.registeredArguments.map((argument) => valueSyntax(argument, argument.name())),
    })),
  };
}

function optionsOf(command: Command): OptionSyntax[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      names: [option.short, option.long].filter((name) => name !== undefined),
      description: option.description,
      value: option.required || option.optional ? valueSyntax(option, placeholderOf(option)) : undefined,
    }));
}

function valueSyntax({ argChoices, variadic }: Argument | Option, placeholder: string): ValueSyntax {
  if (argChoices !== undefined) return { of: "choices", choices: argChoices };
  if (placeholder === "path") return { of: "path" };
  return placeholder === "command" && variadic ? { of: "command" } : { of: "text", what: placeholder };
}

/** Returns the placeholder of an option: `path` for `--file <path>`. */
function placeholderOf({ flags }: Option): string {
  return /[<[]([^.\]>]+)/.exec(flags)?.[1] ?? "";
}
