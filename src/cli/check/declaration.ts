import { type Command, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import { type CheckFlags, DEFAULT_PREEMPTIONS, DEFAULT_RUNS } from "./check-flags.ts";
import { checkHelp } from "./help.ts";

/** Declares `latchkey check`. */
export function declareCheck(program: Command, { run }: CommandContext): void {
  program
    .command("check")
    .summary("check a handler under simulated faults")
    .description(
      "Runs a handler in a simulation that delivers events twice at once, loses answers and kills processes. Prints the " +
        "shortest run that breaks a guarantee, or what was explored.",
    )
    .argument("<module>", "JavaScript or TypeScript module with the handler")
    .optionsGroup("Search:")
    .option("--runs <n>", `random runs to try (default: ${DEFAULT_RUNS})`, wholeNumberFrom(1))
    .option("--seed <n>", "repeat the search with this seed (default: random)", wholeNumberFrom(0, 2 ** 31 - 1))
    .option("--events <n>", "number of events (default: 1, and 2 in some runs)", wholeNumberFrom(1, 100))
    .addOption(
      new Option("--exhaust", "try every schedule of the scope; only faults that `options` names happen").conflicts([
        "runs",
        "seed",
        "replay",
      ]),
    )
    .option(
      "--preemptions <n>",
      `departures from a calm run, with --exhaust (default: ${DEFAULT_PREEMPTIONS})`,
      wholeNumberFrom(0, 20),
    )
    .addOption(new Option("--replay <schedule>", "run one schedule again").conflicts(["runs", "seed"]))
    .optionsGroup("Output:")
    .option("--output <path>", "write the run that breaks something to this file, as NDJSON for the inspector")
    .option("--json", "print the result as one JSON object")
    .addOption(new Option("--open", "serve the run that breaks something as a page, until Ctrl-C").conflicts(["json"]))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", checkHelp)
    .action((path: string, flags: CheckFlags) =>
      run(async (io) => {
        const { checkCommand } = await import("./check-command.ts");
        return checkCommand(path, flags, io);
      }),
    );
}
