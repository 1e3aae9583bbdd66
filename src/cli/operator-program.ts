import { Argument, type Command, Option } from "commander";
import { MAX_SHARDS } from "../nats/kv/store-options.ts";
import { KEPT_STATES } from "./bucket/stored-key.ts";
import { CLEARABLE, type ClearFlags, type ClearNames, DEFAULT_CLEARABLE } from "./clear/clear-plan.ts";
import { SHELLS, type Shell } from "./completion/completion.ts";
import type { DoctorFlags } from "./doctor/doctor-use.ts";
import { type DrawFlags, MACHINES, type MachineName } from "./draw/draw-flags.ts";
import type { InspectFlags } from "./inspect/inspect-command.ts";
import type { ListFlags } from "./list/list-command.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, ORDERS } from "./list/order.ts";
import { reshardHelp } from "./reshard/help.ts";
import type { ReshardFlags } from "./reshard/reshard-command.ts";
import type { ShowFlags } from "./show/show-command.ts";
import { help } from "./terminal/help.ts";
import { duration, seconds, wholeNumber } from "./terminal/option-values.ts";

/** What the commands for operators do with what Commander has read. */
export interface OperatorCommands {
  list(flags: ListFlags): Promise<void>;
  show(names: readonly [first: string, eventId: string | undefined], flags: ShowFlags): Promise<void>;
  clear(names: ClearNames, flags: ClearFlags): Promise<void>;
  doctor(flags: DoctorFlags): Promise<void>;
  reshard(flags: ReshardFlags): Promise<void>;
  inspect(flags: InspectFlags): Promise<void>;
  draw(machine: MachineName, flags: DrawFlags): Promise<void>;
  completion(shell: Shell): Promise<void>;
}

export function addOperatorCommands(program: Command, commands: OperatorCommands): void {
  addList(program, commands);
  addShow(program, commands);
  addClear(program, commands);
  addDoctor(program, commands);
  addReshard(program, commands);
  addInspect(program, commands);
  addDraw(program, commands);
  addCompletion(program, commands);
}

function addList(program: Command, commands: OperatorCommands): void {
  const list = program
    .command("list")
    .summary("show which keys a bucket holds: what is held, by whom, since when")
    .description("Shows which keys a bucket holds, what may be stuck first.");
  addFilter(list).addOption(new Option("--state <state>", "in this state").choices(KEPT_STATES));
  addBucket(list)
    .optionsGroup("Output:")
    .addOption(new Option("--sort <order>", `what comes first (default: ${DEFAULT_ORDER})`).choices(ORDERS))
    .option("--limit <n>", `how many are shown; 0 for all (default: ${DEFAULT_LIMIT}; with --json, 0)`, wholeNumber(0))
    .option("--json", "one JSON object a key")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.list)
    .action((flags: ListFlags) => commands.list(flags));
}

function addShow(program: Command, commands: OperatorCommands): void {
  const show = program
    .command("show")
    .summary("say why an event was suppressed, is put back, or would be dispatched")
    .description(
      "Says what becomes of an event's deliveries and why, and all that the bucket holds for it: asked of the bucket's leader.",
    )
    .argument("<subscriptionId>", "or alone: a dedup key, or a key in the store")
    .argument("[eventId]")
    .option("--workspace <id>", "the tenant (default: whichever has the event)");
  addBucket(show)
    .optionsGroup("Output:")
    .option("--payload", "also what the handler returned, and the fingerprint, if they were kept")
    .option("--json", "one JSON object for each workspace that has the event")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.show)
    .action((first: string, eventId: string | undefined, flags: ShowFlags) => commands.show([first, eventId], flags));
}

function addClear(program: Command, commands: OperatorCommands): void {
  const clear = program
    .command("clear")
    .summary("make events fire again: clear their keys, after saying which")
    .description(
      "Clears keys, so that their events are dispatched again when they are delivered again. Says first how many that are, and " +
        "asks; clears only what is then still as it was.",
    )
    .argument("[subscriptionId]", "of one event; or alone: its dedup key, or its key in the store")
    .argument("[eventId]");
  addFilter(clear)
    .option("--all", "all keys of the bucket")
    .addOption(new Option("--state <state>", `only those that are (default: ${DEFAULT_CLEARABLE})`).choices(CLEARABLE));
  addBucket(clear)
    .optionsGroup("How:")
    .addOption(new Option("--dry-run", "only say which keys would be cleared").conflicts("yes"))
    .option("--yes", "do not ask")
    .option("--json", "one JSON object with the numbers; with --dry-run or --yes")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.clear)
    .action((first: string | undefined, eventId: string | undefined, flags: ClearFlags) =>
      commands.clear([first, eventId], flags),
    );
}

function addDoctor(program: Command, commands: OperatorCommands): void {
  const doctor = program
    .command("doctor")
    .summary("examine server, bucket, consumer, permissions, clocks and records")
    .description(
      "Examines the server, the bucket, a consumer, permissions, clocks and records, and says of each finding how bad it is, " +
        "what it rests on, and what to do. Changes nothing.",
    );
  addBucket(doctor)
    .optionsGroup("The consumer:")
    .option("--stream <name>", "the stream of the consumer")
    .option("--consumer <name>", "the consumer that feeds the replicas")
    .option("--dead-letter <subject>", "where its dead letters go")
    .optionsGroup("How they are used:")
    .option("--window <seconds>", "by the replicas (default: TRIGGER_DEDUP_TTL_SECONDS, or 86400)", seconds(1))
    .option("--lease <seconds>", "by the replicas (default: LATCHKEY_LEASE_SECONDS, or 30)", seconds(1))
    .option("--concurrency <n>", "dispatches at once by one replica (default: 10)", wholeNumber(1, 10_000))
    .option("--attempts <n>", "deliveries before a dead letter (default: 10)", wholeNumber(1))
    .option("--monitor <url>", "the servers' monitoring ports, to see more; several set apart by commas")
    .optionsGroup("Output:")
    .option("--json", "one JSON object for each finding, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.doctor)
    .action((flags: DoctorFlags) => commands.doctor(flags));
}

function addReshard(program: Command, commands: OperatorCommands): void {
  const reshard = program
    .command("reshard")
    .summary("change the number of buckets that share the keys")
    .description(
      "Moves the committed keys to another number of buckets while no replica runs. Refuses to start while reservations exist.",
    )
    .requiredOption("--to <n>", "new number of shards", wholeNumber(1, MAX_SHARDS));
  addServer(reshard)
    .optionsGroup("How:")
    .option("--dry-run", "only check, and count the keys")
    .option("--delete-old", "delete the old buckets after the move")
    .option("--json", "print one JSON object with the result")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", reshardHelp)
    .action((flags: ReshardFlags) => commands.reshard(flags));
}

/** Which keys of a bucket a command is about. */
function addFilter(command: Command): Command {
  return command
    .optionsGroup("Which keys (all of this must be so):")
    .option("--workspace <id>", "of this tenant")
    .option("--subscription <id>", "for this subscription")
    .option("--event <id>", "of this event; with --subscription")
    .option("--owner <text>", "held or committed by one whose name has this in it")
    .option("--older-than <duration>", "held, or committed, for longer: 90s, 15m, 12h, 7d", duration)
    .option("--newer-than <duration>", "for less", duration);
}

/** Adds the options that name a bucket, with its number of shards. */
function addBucket(command: Command): Command {
  return addServer(command).option(
    "--shards <n>",
    "how many share its keys (default: as many as there are)",
    wholeNumber(1, MAX_SHARDS),
  );
}

/** Adds the options that name a bucket and its server. */
function addServer(command: Command): Command {
  return command
    .optionsGroup("Where:")
    .option("--bucket <name>", "the bucket")
    .option("--nats <url>", "the NATS server, or several set apart by commas (default: NATS_URL)")
    .option("--creds <path>", "a NATS credentials file (default: NATS_CREDS)")
    .option("--inbox-prefix <subject>", "where answers come, if not just anywhere (default: NATS_INBOX_PREFIX)");
}

function addInspect(program: Command, commands: OperatorCommands): void {
  const inspect = program
    .command("inspect")
    .summary("see in a browser what all replicas do that share a bucket")
    .description(
      "Serves a page on which one sees, from the bucket alone, what all replicas do that share it: what is held, by whom, for how " +
        "long, what became of an event and why. Prints its address, and runs until Ctrl-C.",
    );
  addBucket(inspect)
    .optionsGroup("The page:")
    .option("--port <n>", "where it is served (default: any that is free)", wholeNumber(0, 65_535))
    .option("--host <address>", "at which address (default: 127.0.0.1, which only this machine reaches)")
    .option("--read-only", "without releasing and clearing keys")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.inspect)
    .action((flags: InspectFlags) => commands.inspect(flags));
}

function addDraw(program: Command, commands: OperatorCommands): void {
  program
    .command("draw")
    .summary("print a picture of a state machine")
    .description("Prints a picture of one of the state machines, drawn from the machine that runs.")
    .addArgument(
      new Argument("[machine]", "the life of a key, or of one message of a consumer")
        .choices(MACHINES)
        .default(MACHINES[0]),
    )
    .addOption(new Option("--mermaid", "a Mermaid state diagram, the default").conflicts(["svg", "json"]))
    .addOption(new Option("--svg", "an SVG image").conflicts("json"))
    .option("--json", "the machine's configuration, as XState's createMachine takes it")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.draw)
    .action((machine: MachineName, flags: DrawFlags) => commands.draw(machine, flags));
}

function addCompletion(program: Command, commands: OperatorCommands): void {
  program
    .command("completion")
    .summary("print a script that completes commands and options in a shell")
    .description("Prints a script that completes commands, options and their values in a shell.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", help.completion)
    .action((shell: Shell) => commands.completion(shell));
}
