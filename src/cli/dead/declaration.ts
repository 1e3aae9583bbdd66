import { Argument, type Command, Option } from "commander";
import { DEAD_LETTER_REASONS } from "../../model/dead-letter.ts";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addShardedBucket } from "../connection/server-options.ts";
import { DEFAULT_LIMIT } from "../stored-keys/key-order.ts";
import { appendNumber, parseDuration, wholeNumberFrom } from "../terminal/option-values.ts";
import type { DeadFlags } from "./dead-command.ts";
import { deadHelp } from "./help.ts";
import { ACTIONS, type DeadAction } from "./letter-filter.ts";

/** Declares `latchkey dead`. */
export function declareDead(program: Command, { run }: CommandContext): void {
  const dead = program
    .command("dead")
    .summary("list, show, redrive or drop dead letters")
    .description(
      "Lists and shows messages that a consumer could not dispatch. Redrives them, so that they are dispatched after all, or drops " +
        "them. Prints the number of letters and asks before it changes anything.",
    )
    .addArgument(new Argument("<action>").choices(ACTIONS))
    .addArgument(new Argument("[letter...]", "numbers of letters, as `list` prints them").argParser(appendNumber))
    .optionsGroup("Selection:")
    .option("--dead-letter <subject>", "subject of the dead letters (default: LATCHKEY_DEAD_LETTER)")
    .addOption(new Option("--reason <reason>", "letters with this reason").choices(DEAD_LETTER_REASONS))
    .option("--workspace <id>", "letters of this tenant")
    .option("--subscription <id>", "letters of this subscription")
    .option("--event <id>", "letters of this event")
    .option("--consumer <name>", "letters of this consumer")
    .option("--older-than <duration>", "letters stored longer ago: 90s, 15m, 12h, 7d", parseDuration)
    .option("--newer-than <duration>", "letters stored more recently", parseDuration)
    .option("--all", "all letters");
  addShardedBucket(dead)
    .optionsGroup("Confirmation and output:")
    .addOption(new Option("--dry-run", "print which letters would be changed, and stop").conflicts("yes"))
    .option("--yes", "do not ask for confirmation")
    .option("--payload", "with show: include headers and body")
    .option(
      "--limit <n>",
      `with list: maximum number of letters, 0 for all (default: ${DEFAULT_LIMIT})`,
      wholeNumberFrom(0),
    )
    .option("--json", "print one JSON object per letter, and one with the counts of a change")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", deadHelp)
    .action((action: DeadAction, letters: readonly number[] | undefined, flags: DeadFlags) =>
      run(async (io) => {
        const { deadCommand } = await withPeers(() => import("./dead-command.ts"));
        return deadCommand(action, letters ?? [], flags, io);
      }),
    );
}
