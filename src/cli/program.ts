import { createRequire } from "node:module";
import { Command } from "commander";
import { isObject } from "../internal/is-object.ts";
import { DEFAULT_WORKSPACE } from "../model/identity.ts";
import type { DemoFlags } from "./demo/demo-command.ts";
import { demoHelp } from "./demo/help.ts";
import { addDeveloperCommands, type DeveloperCommands } from "./developer-program.ts";
import { keyHelp } from "./key/help.ts";
import type { KeyFlags } from "./key/key-command.ts";
import { addOperatorCommands, type OperatorCommands } from "./operator-program.ts";
import { runHelp } from "./run/help.ts";
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_CONCURRENCY,
  DEFAULT_SUBSCRIPTION,
  DEFAULT_TIMEOUT_MS,
  type RunFlags,
} from "./run/plan.ts";
import type { CliIo } from "./terminal/io.ts";
import { collected, seconds, wholeNumber } from "./terminal/option-values.ts";

/** Runs each command with the arguments and options that Commander parsed. */
export interface Commands extends OperatorCommands, DeveloperCommands {
  run(flags: RunFlags): Promise<void>;
  key(subscriptionId: string, eventId: string, flags: KeyFlags): Promise<void>;
  demo(flags: DemoFlags): Promise<void>;
}

/** Text below the options of `latchkey --help`. */
const programHelp = `
Exit codes:
  0    success
  1    some events failed, or a check found an error
  2    wrong usage, or an input, target or server that cannot be used
  130  interrupted

latchkey <command> --help prints more.`;

/** Builds the command tree. */
export function createProgram(io: CliIo, commands: Commands): Command {
  const program = new Command("latchkey")
    .description("Dispatches each event once, no matter how often it is delivered.")
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
    .addHelpText("after", programHelp);
  addRun(program, commands);
  addKey(program, commands);
  addDemo(program, commands);
  addDeveloperCommands(program, commands);
  addOperatorCommands(program, commands);
  return program;
}

function addRun(program: Command, commands: Commands): void {
  program
    .command("run")
    .summary("dispatch events once, to an HTTP endpoint or a command")
    .description(
      "Dispatches every event once, no matter how often the input repeats it. Reads lines from a file or standard input, or " +
        "messages from a JetStream stream. Sends them to an HTTP endpoint or a command.",
    )
    .optionsGroup("Input:")
    .option("--file <path>", "read lines from this file; - is standard input, the default")
    .option("--stream <name>", "read messages from this JetStream stream, with --consumer")
    .option("--consumer <name>", "the stream's durable pull consumer")
    .option("--id <field>", "header or JSON Pointer with the event id; repeat it for alternatives", collected)
    .option("--type <field>", "header or JSON Pointer with the event type")
    .option("--subject <field>", "header or JSON Pointer with the event subject")
    .optionsGroup("Target:")
    .option("--to <url>", "POST each event to this HTTP endpoint")
    .option("--header <line>", 'add this header to every request, such as "Authorization: …"; repeatable', collected)
    .option("--key-per-attempt", "send another Idempotency-Key with every attempt")
    .option("--exec <command...>", "run this command for each event; must be the last option")
    .option(
      "--timeout <seconds>",
      `time limit for one dispatch (default: ${DEFAULT_TIMEOUT_MS / 1_000})`,
      seconds(0.001),
    )
    .option(
      "--concurrency <n>",
      `dispatches at the same time (default: ${DEFAULT_CONCURRENCY})`,
      wholeNumber(1, 10_000),
    )
    .option(
      "--attempts <n>",
      `dispatches of a failing event, with backoff (default: TRIGGER_DISPATCH_MAX_RETRIES plus 1, or ${DEFAULT_ATTEMPTS}; with --stream, 10)`,
      wholeNumber(1),
    )
    .option("--dead-letter <subject>", "publish messages that cannot be dispatched to this subject")
    .optionsGroup("Deduplication:")
    .option(
      "--subscription <id>",
      `subscription of the events, part of every key (default: ${DEFAULT_SUBSCRIPTION}, or <stream>/<consumer>)`,
    )
    .option("--workspace <id>", `tenant of the events (default: ${DEFAULT_WORKSPACE})`)
    .option(
      "--window <seconds>",
      "how long duplicates are suppressed (default: TRIGGER_DEDUP_TTL_SECONDS, or 86400)",
      seconds(1),
    )
    .option(
      "--lease <seconds>",
      "how long a crashed process blocks its events (default: LATCHKEY_LEASE_SECONDS, or 30)",
      seconds(1),
    )
    .option("--bucket <name>", "NATS bucket that stores the keys, shared with other processes")
    .option(
      "--replicas <n>",
      "servers that store a new bucket (default: 3 in a cluster, 1 otherwise)",
      wholeNumber(1, 5),
    )
    .option("--nats <url>", "NATS server, or several separated by commas (default: NATS_URL)")
    .option("--creds <path>", "NATS credentials file (default: NATS_CREDS)")
    .option("--domain <name>", "JetStream domain of the streams (default: NATS_DOMAIN)")
    .option("--api-prefix <subject>", "prefix of the JetStream API, instead of --domain (default: NATS_API_PREFIX)")
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per event, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", runHelp)
    .action((flags: RunFlags) => commands.run(flags));
}

function addKey(program: Command, commands: Commands): void {
  program
    .command("key")
    .summary("print the dedup key of an event")
    .description("Prints the dedup key of an event.")
    .argument("<subscriptionId>")
    .argument("<eventId>")
    .option("--workspace <id>", `tenant of the event (default: ${DEFAULT_WORKSPACE})`)
    .helpOption("-h, --help", "print this help")
    .option("--json", "print the identity and all its keys, also the idempotency key")
    .addHelpText("after", keyHelp)
    .action((subscriptionId: string, eventId: string, flags: KeyFlags) => commands.key(subscriptionId, eventId, flags));
}

function addDemo(program: Command, commands: Commands): void {
  program
    .command("demo")
    .summary("watch a trigger service survive redeliveries, crashes and failures")
    .description(
      "Runs a trigger service in one process: three replicas that share a store and receive webhook deliveries at least once. " +
        "Deliveries repeat, the endpoint refuses some, and replicas crash during a dispatch. At the end, the demo counts " +
        "what happened to every event, from the records of the endpoint and the broker.",
    )
    .option("--seed <n>", "choose what happens to each event (default: random)", wholeNumber(0, 2 ** 32 - 1))
    .option("--nats <url>", "use a NATS server with JetStream; the demo removes its stream and bucket")
    .option("--creds <path>", "NATS credentials file (default: NATS_CREDS)")
    .option("--domain <name>", "JetStream domain of the streams (default: NATS_DOMAIN)")
    .option("--api-prefix <subject>", "prefix of the JetStream API, instead of --domain (default: NATS_API_PREFIX)")
    .option("--json", "print only the summary, as one JSON object")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", demoHelp)
    .action((flags: DemoFlags) => commands.demo(flags));
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("latchkey/package.json");
  const value = isObject(manifest) ? manifest["version"] : undefined;
  return typeof value === "string" ? value : "unknown";
}
