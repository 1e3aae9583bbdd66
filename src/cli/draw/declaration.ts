import { Argument, type Command, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { type DrawFlags, MACHINES, type MachineName } from "./draw-flags.ts";
import { drawHelp } from "./help.ts";

/** Declares `latchkey draw`. */
export function declareDraw(program: Command, { run }: CommandContext): void {
  program
    .command("draw")
    .summary("print a diagram of a state machine")
    .description("Prints a diagram of a state machine, generated from the machine that runs.")
    .addArgument(
      new Argument("[machine]", "the machine of a key, or of one message of a consumer")
        .choices(MACHINES)
        .default(MACHINES[0]),
    )
    .addOption(new Option("--mermaid", "a Mermaid state diagram (default)").conflicts(["svg", "json"]))
    .addOption(new Option("--svg", "an SVG image").conflicts("json"))
    .option("--json", "the machine's configuration for XState's createMachine")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", drawHelp)
    .action((machine: MachineName, flags: DrawFlags) =>
      run(async (io) => {
        const { drawCommand } = await import("./draw-command.ts");
        return drawCommand(machine, flags, io);
      }),
    );
}
