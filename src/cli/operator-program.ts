import { Argument, type Command, Option } from "commander";
import { SHELLS, type Shell } from "./completion/completion.ts";
import { type DrawFlags, MACHINES, type MachineName } from "./draw/draw-command.ts";
import { help } from "./help.ts";

/** What the commands for operators do with what Commander has read. */
export interface OperatorCommands {
  draw(machine: MachineName, flags: DrawFlags): Promise<void>;
  completion(shell: Shell): Promise<void>;
}

export function addOperatorCommands(program: Command, commands: OperatorCommands): void {
  addDraw(program, commands);
  addCompletion(program, commands);
}

function addDraw(program: Command, commands: OperatorCommands): void {
  program
    .command("draw")
    .summary("print a picture of a state machine")
    .description("Prints a picture of one of the state machines, drawn from the machine that runs.")
    .addArgument(
      new Argument("[machine]", "the life of a key, or of one message of a consumer")
        .choices(MACHINES)
        .default(MACHINES[0]),
    )
    .addOption(new Option("--mermaid", "a Mermaid state diagram, the default").conflicts("json"))
    .option("--json", "the machine's configuration, as XState's createMachine takes it")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.draw)
    .action((machine: MachineName, flags: DrawFlags) => commands.draw(machine, flags));
}

function addCompletion(program: Command, commands: OperatorCommands): void {
  program
    .command("completion")
    .summary("print a script that completes commands and options in a shell")
    .description("Prints a script that completes commands, options and their values in a shell.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.completion)
    .action((shell: Shell) => commands.completion(shell));
}
