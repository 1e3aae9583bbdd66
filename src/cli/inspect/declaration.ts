import { type Command, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { withPeers } from "../connection/nats.ts";
import { addPostgresKeys, addShardedBucket, NATS_OPTIONS } from "../connection/server-options.ts";
import { LOOPBACK } from "../page/loopback.ts";
import { appendText, wholeNumberFrom } from "../terminal/option-values.ts";
import { inspectHelp } from "./help.ts";
import type { InspectFlags } from "./inspect-command.ts";

/** Declares `latchkey inspect`. */
export function declareInspect(program: Command, { run }: CommandContext): void {
  const inspect = program
    .command("inspect")
    .summary("watch all replicas of a bucket in a browser")
    .description(
      "Serves a web page that shows, from the bucket alone, what all its replicas do: which keys are reserved, by whom, for how " +
        "long, and what happened to an event. Or opens a recorded run. Prints the address and runs until Ctrl-C.",
    );
  addPostgresKeys(addShardedBucket(inspect))
    .optionsGroup("Recorded run:")
    .addOption(
      new Option("--file <path>", "open a recorded run instead of a bucket, on this machine only").conflicts([
        ...NATS_OPTIONS,
        ...["postgres", "schema", "readOnly", "host", "link", "allowedHost", "allowedOrigin", "basePath"],
      ]),
    )
    .optionsGroup("Page:")
    .option("--port <n>", "port of the page (default: any free port)", wholeNumberFrom(0, 65_535))
    .option("--host <address>", `address to listen on (default: ${LOOPBACK}, local access only)`)
    .option("--read-only", "disable all changes")
    .option("--dead-letter <subject>", "show the dead letters of this subject (default: LATCHKEY_DEAD_LETTER)")
    .option(
      "--link <name=address>",
      "link from every event, such as Logs=https://logs/?q={key}; repeatable",
      appendText,
    )
    .optionsGroup("Reverse proxy:")
    .option("--allowed-host <name>", "public host name of the page; repeatable", appendText)
    .option("--allowed-origin <origin>", "public origin, if the proxy replaces the host name; repeatable", appendText)
    .option("--base-path <path>", "path that the proxy passes on unchanged, such as /latchkey")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", inspectHelp)
    .action((flags: InspectFlags) =>
      run(async (io) => {
        const { inspectCommand } = await withPeers(() => import("./inspect-command.ts"));
        return inspectCommand(flags, io);
      }),
    );
}
