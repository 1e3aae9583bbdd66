import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addPostgresKeys, addShardedBucket } from "../connection/server-options.ts";
import { showHelp } from "./help.ts";
import type { ShowFlags } from "./show-command.ts";

/** Declares `latchkey show`. */
export function declareShow(program: Command, { run }: CommandContext): void {
  const show = program
    .command("show")
    .summary("explain why an event is a duplicate, pending, or would be dispatched")
    .description(
      "Explains how deliveries of an event are handled and why, and prints its record. Reads from the leader of the bucket, or " +
        "from PostgreSQL.",
    )
    .argument("<subscriptionId>", "subscription of the event; or alone: a dedup key or a store key")
    .argument("[eventId]")
    .option("--workspace <id>", "tenant of the event (default: any)");
  addPostgresKeys(addShardedBucket(show))
    .optionsGroup("Output:")
    .option("--payload", "include the stored result and fingerprint")
    .option("--json", "print one JSON object per workspace that has the event")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", showHelp)
    .action((first: string, eventId: string | undefined, flags: ShowFlags) =>
      run(async (io) => {
        const { showCommand } = await withPeers(() => import("./show-command.ts"));
        return showCommand([first, eventId], flags, io);
      }),
    );
}
