import type { Command } from "commander";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import type { CommandContext } from "../command-context.ts";
import { keyHelp } from "./help.ts";
import { type KeyFlags, keyCommand } from "./key-command.ts";

/** Declares `latchkey key`. */
export function declareKey(program: Command, { run }: CommandContext): void {
  program
    .command("key")
    .summary("print the dedup key of an event")
    .description("Prints the dedup key of an event.")
    .argument("<subscriptionId>")
    .argument("<eventId>")
    .option("--workspace <id>", `tenant of the event (default: ${DEFAULT_WORKSPACE})`)
    .option("--json", "print the identity and all its keys, also the idempotency key")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", keyHelp)
    .action((subscriptionId: string, eventId: string, flags: KeyFlags) =>
      run((io) => keyCommand(subscriptionId, eventId, flags, io)),
    );
}
