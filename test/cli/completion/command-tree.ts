import type { Argument, Command, Option } from "commander";

/** Completion of a position of the command line: file names, a command, nothing, or these choices. */
export type Completed = "files" | "command" | "nothing" | readonly string[];

/** Completions that a script offers for one command. */
export interface Offered {
  /** Completion of the value of each option. Undefined for flags. */
  readonly options: Readonly<Record<string, Completed | undefined>>;
  readonly arguments: readonly Completed[];
}

/** The offers by command; `""` is the program itself. */
export type CommandTree = Readonly<Record<string, Offered>>;

/** Reads the completions that a script must offer from Commander. */
export function treeOf(program: Command): CommandTree {
  return Object.fromEntries(
    [program, ...program.commands].map((command) => [
      command === program ? "" : command.name(),
      {
        options: Object.fromEntries(
          command
            .createHelp()
            .visibleOptions(command)
            .flatMap((option) =>
              [option.short, option.long].filter(isText).map((name) => [name, valueOfOption(option, option.flags)]),
            ),
        ),
        arguments: command.registeredArguments.map((argument) => completed(argument, `<${argument.name()}>`)),
      },
    ]),
  );
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

function valueOfOption(option: Option, flags: string): Completed | undefined {
  return option.required || option.optional ? completed(option, flags) : undefined;
}

function completed({ argChoices, variadic }: Argument | Option, flags: string): Completed {
  if (argChoices !== undefined) return argChoices;
  if (flags.includes("<path>")) return "files";
  return variadic && flags.includes("<command") ? "command" : "nothing";
}
