import { type Command, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addPostgresKeys, addShardedBucket } from "../connection/server-options.ts";
import { addFilter } from "../stored-keys/filter-options.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, KEY_ORDERS } from "../stored-keys/key-order.ts";
import { LISTED_STATES } from "../stored-keys/stored-key.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import { listHelp } from "./help.ts";
import type { ListFlags } from "./list-command.ts";

/** Declares `latchkey list`. */
export function declareList(program: Command, { run }: CommandContext): void {
  const list = program
    .command("list")
    .summary("list the keys of a bucket with owner and age")
    .description("Lists the keys of a bucket. Keys that may be stuck come first.");
  addFilter(list).addOption(new Option("--state <state>", "keys in this state").choices(LISTED_STATES));
  addPostgresKeys(addShardedBucket(list))
    .optionsGroup("Output:")
    .addOption(new Option("--sort <order>", `order of the keys (default: ${DEFAULT_ORDER})`).choices(KEY_ORDERS))
    .option(
      "--limit <n>",
      `maximum number of keys, 0 for all (default: ${DEFAULT_LIMIT}; with --json, 0)`,
      wholeNumberFrom(0),
    )
    .option("--json", "print one JSON object per key")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", listHelp)
    .action((flags: ListFlags) =>
      run(async (io) => {
        const { listCommand } = await withPeers(() => import("./list-command.ts"));
        return listCommand(flags, io);
      }),
    );
}
