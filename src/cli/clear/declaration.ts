import { type Command, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addPostgresKeys, addShardedBucket } from "../connection/server-options.ts";
import { addFilter } from "../stored-keys/filter-options.ts";
import { CLEARABLE, type ClearFlags, DEFAULT_CLEARABLE } from "./clear-plan.ts";
import { clearHelp } from "./help.ts";

/** Declares `latchkey clear`. */
export function declareClear(program: Command, { run }: CommandContext): void {
  const clear = program
    .command("clear")
    .summary("clear keys, so that their events are dispatched again")
    .description(
      "Clears keys, so that their events are dispatched again at the next delivery. Prints the number of keys and asks first. " +
        "Leaves keys that changed since they were counted.",
    )
    .argument("[subscriptionId]", "subscription of one event; or alone: a dedup key or a store key")
    .argument("[eventId]");
  addFilter(clear)
    .option("--all", "all keys of the bucket")
    .addOption(
      new Option("--state <state>", `only keys in this state (default: ${DEFAULT_CLEARABLE})`).choices(CLEARABLE),
    );
  addPostgresKeys(addShardedBucket(clear))
    .optionsGroup("Confirmation and output:")
    .addOption(new Option("--dry-run", "print which keys would be cleared, and stop").conflicts("yes"))
    .option("--yes", "do not ask for confirmation")
    .option("--json", "print one JSON object with the counts; with --dry-run or --yes")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", clearHelp)
    .action((first: string | undefined, eventId: string | undefined, flags: ClearFlags) =>
      run(async (io) => {
        const { clearCommand } = await withPeers(() => import("./clear-command.ts"));
        return clearCommand([first, eventId], flags, io);
      }),
    );
}
