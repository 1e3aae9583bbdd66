import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import { playHelp } from "./help.ts";
import type { PlayFlags } from "./play-command.ts";

/** Declares `latchkey play`. */
export function declarePlay(program: Command, { run }: CommandContext): void {
  program
    .command("play")
    .summary("play the simulation in a browser, one step at a time")
    .description(
      "Serves a web page that runs the simulation: pick a handler, correct or with a bug, and decide what happens next. " +
        "Prints the address and runs until Ctrl-C.",
    )
    .option("--port <n>", "port of the page (default: any free port)", wholeNumberFrom(0, 65_535))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", playHelp)
    .action((flags: PlayFlags) =>
      run(async (io) => {
        const { playCommand } = await import("./play-command.ts");
        return playCommand(flags, io);
      }),
    );
}
