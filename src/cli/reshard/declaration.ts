import type { Command } from "commander";
import { MAX_SHARDS } from "../../nats/kv/store-options.ts";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addBucket } from "../connection/server-options.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import { reshardHelp } from "./help.ts";
import type { ReshardFlags } from "./reshard-command.ts";

/** Declares `latchkey reshard`. */
export function declareReshard(program: Command, { run }: CommandContext): void {
  const reshard = program
    .command("reshard")
    .summary("change the number of buckets that share the keys")
    .description(
      "Moves the committed keys to another number of buckets while no replica runs. Refuses to start while reservations exist.",
    )
    .requiredOption("--to <n>", "new number of shards", wholeNumberFrom(1, MAX_SHARDS));
  addBucket(reshard)
    .optionsGroup("Options:")
    .option("--dry-run", "only check, and count the keys")
    .option("--delete-old", "delete the old buckets after the move")
    .option("--json", "print one JSON object with the result")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", reshardHelp)
    .action((flags: ReshardFlags) =>
      run(async (io) => {
        const { reshardCommand } = await withPeers(() => import("./reshard-command.ts"));
        return reshardCommand(flags, io);
      }),
    );
}
