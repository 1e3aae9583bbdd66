import { Argument, type Command, Option } from "commander";
import { DEAD_LETTER_REASONS } from "../model/dead-letter.ts";
import { MAX_FENCE } from "../nats/kv/revision-offset.ts";
import { MAX_SHARDS } from "../nats/kv/store-options.ts";
import { DEFAULT_SCHEMA } from "../postgres/schema.ts";
import { CLEARABLE, type ClearFlags, type ClearNames, DEFAULT_CLEARABLE } from "./clear/clear-plan.ts";
import { clearHelp } from "./clear/help.ts";
import { SHELLS, type Shell } from "./completion/completion.ts";
import { completionHelp } from "./completion/help.ts";
import type { DeadFlags } from "./dead/dead-command.ts";
import { deadHelp } from "./dead/help.ts";
import { ACTIONS, type DeadAction } from "./dead/letter-filter.ts";
import { doctorHelp } from "./doctor/help.ts";
import type { DoctorFlags } from "./doctor/replica-settings.ts";
import { type DrawFlags, MACHINES, type MachineName } from "./draw/draw-flags.ts";
import { drawHelp } from "./draw/help.ts";
import { inspectHelp } from "./inspect/help.ts";
import type { InspectFlags } from "./inspect/inspect-command.ts";
import { listHelp } from "./list/help.ts";
import type { ListFlags } from "./list/list-command.ts";
import { addBucket, addFilter, addPostgresKeys, addServer, NATS_OPTIONS } from "./option-groups.ts";
import { postgresHelp } from "./postgres/help.ts";
import { POSTGRES_TOPICS, type PostgresFlags } from "./postgres/postgres-command.ts";
import { raiseFencesHelp } from "./raise-fences/help.ts";
import type { RaiseFencesFlags } from "./raise-fences/raise-fences-command.ts";
import { reshardHelp } from "./reshard/help.ts";
import type { ReshardFlags } from "./reshard/reshard-command.ts";
import { showHelp } from "./show/help.ts";
import type { ShowFlags } from "./show/show-command.ts";
import { DEFAULT_LIMIT, DEFAULT_ORDER, ORDERS } from "./stored-keys/key-order.ts";
import { STORED_STATES } from "./stored-keys/stored-key.ts";
import { collected, collectedNumber, duration, seconds, wholeNumber } from "./terminal/option-values.ts";

/** Runs the operator commands with the arguments and options that Commander parsed. */
export interface OperatorCommands {
  list(flags: ListFlags): Promise<void>;
  show(names: readonly [first: string, eventId: string | undefined], flags: ShowFlags): Promise<void>;
  clear(names: ClearNames, flags: ClearFlags): Promise<void>;
  dead(action: DeadAction, sequences: readonly number[], flags: DeadFlags): Promise<void>;
  doctor(flags: DoctorFlags): Promise<void>;
  raiseFences(flags: RaiseFencesFlags): Promise<void>;
  reshard(flags: ReshardFlags): Promise<void>;
  inspect(flags: InspectFlags): Promise<void>;
  draw(machine: MachineName, flags: DrawFlags): Promise<void>;
  postgres(flags: PostgresFlags): Promise<void>;
  completion(shell: Shell): Promise<void>;
}

export function addOperatorCommands(program: Command, commands: OperatorCommands): void {
  addList(program, commands);
  addShow(program, commands);
  addClear(program, commands);
  addDead(program, commands);
  addDoctor(program, commands);
  addReshard(program, commands);
  addRaiseFences(program, commands);
  addInspect(program, commands);
  addDraw(program, commands);
  addPostgres(program, commands);
  addCompletion(program, commands);
}

function addList(program: Command, commands: OperatorCommands): void {
  const list = program
    .command("list")
    .summary("list the keys of a bucket with owner and age")
    .description("Lists the keys of a bucket. Keys that may be stuck come first.");
  addFilter(list).addOption(new Option("--state <state>", "keys in this state").choices(STORED_STATES));
  addPostgresKeys(addBucket(list))
    .optionsGroup("Output:")
    .addOption(new Option("--sort <order>", `order of the keys (default: ${DEFAULT_ORDER})`).choices(ORDERS))
    .option(
      "--limit <n>",
      `maximum number of keys, 0 for all (default: ${DEFAULT_LIMIT}; with --json, 0)`,
      wholeNumber(0),
    )
    .option("--json", "print one JSON object per key")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", listHelp)
    .action((flags: ListFlags) => commands.list(flags));
}

function addShow(program: Command, commands: OperatorCommands): void {
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
  addPostgresKeys(addBucket(show))
    .optionsGroup("Output:")
    .option("--payload", "include the stored result and fingerprint")
    .option("--json", "print one JSON object per workspace that has the event")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", showHelp)
    .action((first: string, eventId: string | undefined, flags: ShowFlags) => commands.show([first, eventId], flags));
}

function addClear(program: Command, commands: OperatorCommands): void {
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
  addPostgresKeys(addBucket(clear))
    .optionsGroup("Confirmation and output:")
    .addOption(new Option("--dry-run", "print which keys would be cleared, and stop").conflicts("yes"))
    .option("--yes", "do not ask for confirmation")
    .option("--json", "print one JSON object with the counts; with --dry-run or --yes")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", clearHelp)
    .action((first: string | undefined, eventId: string | undefined, flags: ClearFlags) =>
      commands.clear([first, eventId], flags),
    );
}

function addDead(program: Command, commands: OperatorCommands): void {
  const dead = program
    .command("dead")
    .summary("list, show, redrive or drop dead letters")
    .description(
      "Lists and shows messages that a consumer could not dispatch. Redrives them, so that they are dispatched after all, or drops " +
        "them. Prints the number of letters and asks before it changes anything.",
    )
    .addArgument(new Argument("<action>").choices(ACTIONS))
    .addArgument(new Argument("[letter...]", "numbers of letters, as `list` prints them").argParser(collectedNumber))
    .optionsGroup("Selection:")
    .option("--dead-letter <subject>", "subject of the dead letters (default: LATCHKEY_DEAD_LETTER)")
    .addOption(new Option("--reason <reason>", "letters with this reason").choices(DEAD_LETTER_REASONS))
    .option("--workspace <id>", "letters of this tenant")
    .option("--subscription <id>", "letters of this subscription")
    .option("--event <id>", "letters of this event")
    .option("--consumer <name>", "letters of this consumer")
    .option("--older-than <duration>", "letters stored longer ago: 90s, 15m, 12h, 7d", duration)
    .option("--newer-than <duration>", "letters stored more recently", duration)
    .option("--all", "all letters");
  addBucket(dead)
    .optionsGroup("Confirmation and output:")
    .addOption(new Option("--dry-run", "print which letters would be changed, and stop").conflicts("yes"))
    .option("--yes", "do not ask for confirmation")
    .option("--payload", "with show: include headers and body")
    .option(
      "--limit <n>",
      `with list: maximum number of letters, 0 for all (default: ${DEFAULT_LIMIT})`,
      wholeNumber(0),
    )
    .option("--json", "print one JSON object per letter, and one with the counts of a change")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", deadHelp)
    .action((action: DeadAction, letters: readonly number[] | undefined, flags: DeadFlags) =>
      commands.dead(action, letters ?? [], flags),
    );
}

function addDoctor(program: Command, commands: OperatorCommands): void {
  const doctor = program
    .command("doctor")
    .summary("examine server, bucket or tables, consumer, permissions, clocks and records")
    .description(
      "Examines the server, the bucket or the tables in PostgreSQL, a consumer, permissions, clocks and records. Reports each " +
        "finding with its severity, the evidence, and what to do. Changes nothing.",
    );
  addPostgresKeys(addBucket(doctor))
    .optionsGroup("Consumer:")
    .option("--stream <name>", "stream of the consumer")
    .option("--consumer <name>", "consumer of the replicas")
    .option("--dead-letter <subject>", "subject of its dead letters")
    .optionsGroup("Settings of the replicas:")
    .option("--window <seconds>", "window of the replicas (default: TRIGGER_DEDUP_TTL_SECONDS, or 86400)", seconds(1))
    .option("--lease <seconds>", "lease of the replicas (default: LATCHKEY_LEASE_SECONDS, or 30)", seconds(1))
    .option("--concurrency <n>", "concurrent dispatches per replica (default: 10)", wholeNumber(1, 10_000))
    .option("--attempts <n>", "failed dispatches before a dead letter (default: 10)", wholeNumber(1))
    .option("--monitor <url>", "monitoring URLs of the servers, separated by commas, for more checks")
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per finding, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", doctorHelp)
    .action((flags: DoctorFlags) => commands.doctor(flags));
}

function addRaiseFences(program: Command, commands: OperatorCommands): void {
  const raise = program
    .command("raise-fences")
    .summary("raise the fences of a bucket that was restored from a backup")
    .description("Raises all later fences of a bucket above every fence that it may have given out before.")
    .option("--above <fence>", "a fence that was given out", wholeNumber(0, MAX_FENCE));
  addBucket(raise)
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per bucket")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", raiseFencesHelp)
    .action((flags: RaiseFencesFlags) => commands.raiseFences(flags));
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
    .optionsGroup("Options:")
    .option("--dry-run", "only check, and count the keys")
    .option("--delete-old", "delete the old buckets after the move")
    .option("--json", "print one JSON object with the result")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", reshardHelp)
    .action((flags: ReshardFlags) => commands.reshard(flags));
}

function addInspect(program: Command, commands: OperatorCommands): void {
  const inspect = program
    .command("inspect")
    .summary("watch all replicas of a bucket in a browser")
    .description(
      "Serves a web page that shows, from the bucket alone, what all its replicas do: which keys are reserved, by whom, for how " +
        "long, and what happened to an event. Or opens a recorded run. Prints the address and runs until Ctrl-C.",
    );
  addPostgresKeys(addBucket(inspect))
    .optionsGroup("Recorded run:")
    .addOption(
      new Option("--file <path>", "open a recorded run instead of a bucket, on this machine only").conflicts([
        ...NATS_OPTIONS,
        ...["postgres", "schema", "readOnly", "host", "link", "allowedHost", "allowedOrigin", "basePath"],
      ]),
    )
    .optionsGroup("Page:")
    .option("--port <n>", "port of the page (default: any free port)", wholeNumber(0, 65_535))
    .option("--host <address>", "address to listen on (default: 127.0.0.1, local access only)")
    .option("--read-only", "disable all changes")
    .option("--dead-letter <subject>", "show the dead letters of this subject (default: LATCHKEY_DEAD_LETTER)")
    .option("--link <name=address>", "link from every event, such as Logs=https://logs/?q={key}; repeatable", collected)
    .optionsGroup("Reverse proxy:")
    .option("--allowed-host <name>", "public host name of the page; repeatable", collected)
    .option("--allowed-origin <origin>", "public origin, if the proxy replaces the host name; repeatable", collected)
    .option("--base-path <path>", "path that the proxy passes on unchanged, such as /latchkey")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", inspectHelp)
    .action((flags: InspectFlags) => commands.inspect(flags));
}

function addDraw(program: Command, commands: OperatorCommands): void {
  program
    .command("draw")
    .summary("print a diagram of a state machine")
    .description("Prints a diagram of a state machine, generated from the machine that runs.")
    .addArgument(
      new Argument("[machine]", "the machine of a key, or of one message of a consumer")
        .choices(MACHINES)
        .default(MACHINES[0]),
    )
    .addOption(new Option("--mermaid", "a Mermaid state diagram (default)").conflicts(["svg", "json"]))

    .addOption(new Option("--svg", "an SVG image").conflicts("json"))
    .option("--json", "the machine's configuration for XState's createMachine")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", drawHelp)
    .action((machine: MachineName, flags: DrawFlags) => commands.draw(machine, flags));
}

function addPostgres(program: Command, commands: OperatorCommands): void {
  program
    .command("postgres")
    .summary("print the SQL that creates the tables in PostgreSQL")
    .description(
      "Prints the SQL that creates Latchkey's tables in PostgreSQL: the markers of `effectOnce` and the keys of `postgresStore`.",
    )
    .addArgument(new Argument("<topic>", "what to print").choices(POSTGRES_TOPICS))
    .option("--schema <name>", `schema of the tables (default: ${DEFAULT_SCHEMA})`)
    .option("--role <name>", "also grant this role the rights that a service needs")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", postgresHelp)
    .action((_topic: string, flags: PostgresFlags) => commands.postgres(flags));
}

function addCompletion(program: Command, commands: OperatorCommands): void {
  program
    .command("completion")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes commands, options and their values in a shell.")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", completionHelp)
    .action((shell: Shell) => commands.completion(shell));
}
