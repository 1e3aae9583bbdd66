import { type Command, Option } from "commander";
import { type CheckFlags, DEFAULT_RUNS } from "./check/check-flags.ts";
import { checkHelp } from "./check/help.ts";
import { playHelp } from "./play/help.ts";
import type { PlayFlags } from "./play/play-command.ts";
import { wholeNumber } from "./terminal/option-values.ts";

/** Runs each command for developers with the arguments and options that Commander parsed. */
export interface DeveloperCommands {
  check(path: string, flags: CheckFlags): Promise<void>;
  play(flags: PlayFlags): Promise<void>;
}

/** Adds the commands for developers of handlers. */
export function addDeveloperCommands(program: Command, commands: DeveloperCommands): void {
  addCheck(program, commands);
  addPlay(program, commands);
}

function addCheck(program: Command, commands: DeveloperCommands): void {
  program
    .command("check")
    .summary("check a handler under simulated faults")
    .description(
      "Runs a handler in a simulation that delivers events twice at once, loses answers and kills processes. Prints the " +
        "shortest run that breaks a guarantee, or what was explored.",
    )
    .argument("<module>", "JavaScript or TypeScript module with the handler")
    .optionsGroup("Search:")
    .option("--runs <n>", `random runs to try (default: ${DEFAULT_RUNS})`, wholeNumber(1))
    .option("--seed <n>", "repeat the search with this seed (default: random)", wholeNumber(0, 2 ** 31 - 1))
    .option("--events <n>", "number of events (default: 1, and 2 in some runs)", wholeNumber(1, 100))
    .addOption(
      new Option("--exhaust", "try every schedule of the scope; only faults that `options` names happen").conflicts([
        "runs",
        "seed",
        "replay",
      ]),
    )
    .option("--preemptions <n>", "departures from a calm run, with --exhaust (default: 2)", wholeNumber(0, 20))
    .addOption(new Option("--replay <schedule>", "run one schedule again").conflicts(["runs", "seed"]))
    .optionsGroup("Output:")
    .option("--output <path>", "write the run that breaks something to this file, as NDJSON for the inspector")
    .option("--json", "print the result as one JSON object")
    .addOption(new Option("--open", "serve the run that breaks something as a page, until Ctrl-C").conflicts(["json"]))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", checkHelp)
    .action((path: string, flags: CheckFlags) => commands.check(path, flags));
}

function addPlay(program: Command, commands: DeveloperCommands): void {
  program
    .command("play")
    .summary("play the simulation in a browser, one step at a time")
    .description(
      "Serves a web page that runs the simulation: pick a handler, correct or with a bug, and decide what happens next. " +
        "Prints the address and runs until Ctrl-C.",
    )
    .option("--port <n>", "port of the page (default: any free port)", wholeNumber(0, 65_535))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", playHelp)
    .action((flags: PlayFlags) => commands.play(flags));
}
