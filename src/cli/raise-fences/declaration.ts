import type { Command } from "commander";
import { MAX_FENCE } from "../../nats/kv/revision-offset.ts";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addShardedBucket } from "../connection/server-options.ts";
import { wholeNumberFrom } from "../terminal/option-values.ts";
import { raiseFencesHelp } from "./help.ts";
import type { RaiseFencesFlags } from "./raise-fences-command.ts";

/** Declares `latchkey raise-fences`. */
export function declareRaiseFences(program: Command, { run }: CommandContext): void {
  const raise = program
    .command("raise-fences")
    .summary("raise the fences of a bucket that was restored from a backup")
    .description("Raises all later fences of a bucket above every fence that it may have given out before.")
    .option("--above <fence>", "a fence that was given out", wholeNumberFrom(0, MAX_FENCE));
  addShardedBucket(raise)
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per bucket")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", raiseFencesHelp)
    .action((flags: RaiseFencesFlags) =>
      run(async (io) => {
        const { raiseFencesCommand } = await withPeers(() => import("./raise-fences-command.ts"));
        return raiseFencesCommand(flags, io);
      }),
    );
}
