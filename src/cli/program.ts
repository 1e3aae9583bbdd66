import { createRequire } from "node:module";
import { Command } from "commander";
import { DEFAULT_WORKSPACE } from "../model/identity.ts";
import type { DemoFlags } from "./demo/demo-command.ts";
import type { KeyFlags } from "./key/key-command.ts";
import { addOperatorCommands, type OperatorCommands } from "./operator-program.ts";
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_CONCURRENCY,
  DEFAULT_SUBSCRIPTION,
  DEFAULT_TIMEOUT_MS,
  type RunFlags,
} from "./run/plan.ts";
import { help } from "./terminal/help.ts";
import type { CliIo } from "./terminal/io.ts";
import { seconds, wholeNumber } from "./terminal/option-values.ts";

/** What each command does with what Commander has read. */
export interface Commands extends OperatorCommands {
  run(flags: RunFlags): Promise<void>;
  key(subscriptionId: string, eventId: string, flags: KeyFlags): Promise<void>;
  demo(flags: DemoFlags): Promise<void>;
}

export function createProgram(io: CliIo, commands: Commands): Command {
  const program = new Command("latchkey")
    .description("An event that is delivered many times is dispatched once.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.out.write(text),
      writeErr: (text) => void io.err.write(text),
      getOutHelpWidth: () => io.out.columns,
      getErrHelpWidth: () => io.err.columns,
      getOutHasColors: () => io.out.hasColours,
      getErrHasColors: () => io.err.hasColours,
    })
    .showHelpAfterError("(see --help)")
    .addHelpText("after", help.program);
  addRun(program, commands);
  addKey(program, commands);
  addDemo(program, commands);
  addOperatorCommands(program, commands);
  return program;
}

function addRun(program: Command, commands: Commands): void {
  program
    .command("run")
    .summary("dispatch events once, to an HTTP endpoint or a command")
    .description(
      "Dispatches every event once, however often it stands in the input: from lines in a file or on standard input, or from a " +
        "JetStream stream, to an HTTP endpoint or a command.",
    )
    .optionsGroup("Input:")
    .option("--file <path>", "lines of a file; - is standard input, the default")
    .option("--stream <name>", "messages of a JetStream stream, by --consumer")
    .option("--consumer <name>", "its durable pull consumer")
    .optionsGroup("Target:")
    .option("--to <url>", "POST each event to this HTTP endpoint")
    .option("--exec <command...>", "run this command for each event; everything after --exec belongs to it")
    .option("--timeout <seconds>", `for one dispatch (default: ${DEFAULT_TIMEOUT_MS / 1_000})`, seconds(0.001))
    .option("--concurrency <n>", `dispatches at once (default: ${DEFAULT_CONCURRENCY})`, wholeNumber(1, 10_000))
    .option(
      "--attempts <n>",
      `tries of a failing event, with growing pauses (default: ${DEFAULT_ATTEMPTS}; of a stream, 10)`,
      wholeNumber(1),
    )
    .option("--dead-letter <subject>", "where messages of a stream go that cannot be dispatched")
    .optionsGroup("What is remembered:")
    .option(
      "--subscription <id>",
      `what the events are dispatched for; part of every key (default: ${DEFAULT_SUBSCRIPTION}, or <stream>/<consumer>)`,
    )
    .option("--workspace <id>", `the tenant; parts what is remembered (default: ${DEFAULT_WORKSPACE})`)
    .option(
      "--window <seconds>",
      "how long a dispatched event is remembered (default: TRIGGER_DEDUP_TTL_SECONDS, or 86400)",
      seconds(1),
    )
    .option(
      "--lease <seconds>",
      "how long others leave an event alone when its process has died (default: LATCHKEY_LEASE_SECONDS, or 30)",
      seconds(1),
    )
    .option("--bucket <name>", "a NATS bucket, shared with other processes")
    .option("--nats <url>", "the NATS server, or several set apart by commas (default: NATS_URL)")
    .option("--creds <path>", "a NATS credentials file (default: NATS_CREDS)")
    .optionsGroup("Output:")
    .option("--json", "one JSON object for each event, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.run)
    .action((flags: RunFlags) => commands.run(flags));
}

function addKey(program: Command, commands: Commands): void {
  program
    .command("key")
    .summary("print the dedup key of an event")
    .description("Prints the dedup key of an event: what endpoints get as Idempotency-Key.")
    .argument("<subscriptionId>")
    .argument("<eventId>")
    .option("--workspace <id>", `the tenant; part of the store key only (default: ${DEFAULT_WORKSPACE})`)
    .helpOption("-h, --help", "print this help")
    .option("--json", "print the identity, the dedup key and the key in the store")
    .addHelpText("after", help.key)
    .action((subscriptionId: string, eventId: string, flags: KeyFlags) => commands.key(subscriptionId, eventId, flags));
}

function addDemo(program: Command, commands: Commands): void {
  program
    .command("demo")
    .summary("watch a trigger service survive redeliveries, crashes and failures")
    .description(
      "Runs a trigger service in one process: three replicas that share a store, fed with webhook deliveries at least once. " +
        "Deliveries are repeated, the endpoint refuses some, replicas die in the middle of a dispatch. At the end it counts, " +
        "from the books of the endpoint and the broker, what became of every event.",
    )
    .option("--seed <n>", "what happens to which event (default: another in every run)", wholeNumber(0, 2 ** 32 - 1))
    .option("--nats <url>", "over a NATS server with JetStream, in a stream and a bucket that are removed afterwards")
    .option("--creds <path>", "a NATS credentials file (default: NATS_CREDS)")
    .option("--json", "print nothing but the numbers, as one JSON object")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.demo)
    .action((flags: DemoFlags) => commands.demo(flags));
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("latchkey/package.json");
  const hasVersion = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return hasVersion && typeof manifest.version === "string" ? manifest.version : "unknown";
}
