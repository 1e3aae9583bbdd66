import { Argument, type Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import { completionHelp } from "./help.ts";

/** Declares `latchkey completion`. */
export function declareCompletion(program: Command, { run }: CommandContext): void {
  program
    .command("completion")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes commands, options and their values in a shell.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", completionHelp)
    .action((shell: Shell) =>
      run(async (io) => {
        await io.out.write(completionScript(shell, program));
        return exitCodes.ok;
      }),
    );
}
