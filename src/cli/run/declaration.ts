import type { Command } from "commander";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import { DEFAULT_MAX_DELIVER, MAX_CONCURRENCY } from "../../nats/consumer/consume-limits.ts";
import { CLUSTER_REPLICAS, MAX_REPLICAS } from "../../nats/kv/store-options.ts";
import { DEFAULT_LEASE_MS, DEFAULT_WINDOW_MS } from "../../options.ts";
import type { CommandContext } from "../command-context.ts";
import { addGroup } from "../connection/group-options.ts";
import { withPeers } from "../connection/nats.ts";
import { addNats } from "../connection/server-options.ts";
import { appendText, secondsFrom, wholeNumberFrom } from "../terminal/option-values.ts";
import { runHelp } from "./help.ts";
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_RUN_CONCURRENCY,
  DEFAULT_SUBSCRIPTION,
  DEFAULT_TIMEOUT_MS,
  planRun,
  type RunFlags,
} from "./plan.ts";
import { runLines } from "./run-lines.ts";

/** Declares `latchkey run`. */
export function declareRun(program: Command, { run, exec }: CommandContext): void {
  const input = program
    .command("run")
    .summary("dispatch events once, to an HTTP endpoint or a command")
    .description(
      "Dispatches every event once, no matter how often the input repeats it. Reads lines from a file or standard input, or " +
        "messages from a JetStream stream. Sends them to an HTTP endpoint or a command.",
    )
    .optionsGroup("Input:")
    .option("--file <path>", "read lines from this file; - is standard input, the default")
    .option("--stream <name>", "read messages from this JetStream stream, with --consumer")
    .option("--consumer <name>", "the stream's durable pull consumer");
  const command = addGroup(input)
    .option("--id <field>", "header or JSON Pointer with the event id; repeat it for alternatives", appendText)
    .option("--type <field>", "header or JSON Pointer with the event type")
    .option("--subject <field>", "header or JSON Pointer with the event subject")
    .optionsGroup("Target:")
    .option("--to <url>", "POST each event to this HTTP endpoint")
    .option("--header <line>", 'add this header to every request, such as "Authorization: …"; repeatable', appendText)
    .option("--key-per-attempt", "send another Idempotency-Key with every attempt")
    .option("--exec <command...>", "run this command for each event; must be the last option")
    .option(
      "--timeout <seconds>",
      `time limit for one dispatch (default: ${DEFAULT_TIMEOUT_MS / 1_000})`,
      secondsFrom(0.001),
    )
    .option(
      "--concurrency <n>",
      `dispatches at the same time (default: ${DEFAULT_RUN_CONCURRENCY})`,
      wholeNumberFrom(1, MAX_CONCURRENCY),
    )
    .option(
      "--attempts <n>",
      "dispatches of a failing event, with backoff (default: TRIGGER_DISPATCH_MAX_RETRIES plus 1, or " +
        `${DEFAULT_ATTEMPTS}; with --stream, ${DEFAULT_MAX_DELIVER})`,
      wholeNumberFrom(1),
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
      `how long duplicates are suppressed (default: TRIGGER_DEDUP_TTL_SECONDS, or ${DEFAULT_WINDOW_MS / 1_000})`,
      secondsFrom(1),
    )
    .option(
      "--lease <seconds>",
      `how long a crashed process blocks its events (default: LATCHKEY_LEASE_SECONDS, or ${DEFAULT_LEASE_MS / 1_000})`,
      secondsFrom(1),
    )
    .option("--bucket <name>", "NATS bucket that stores the keys, shared with other processes")
    .option(
      "--replicas <n>",
      `servers that store a new bucket (default: ${CLUSTER_REPLICAS} in a cluster, 1 otherwise)`,
      wholeNumberFrom(1, MAX_REPLICAS),
    );
  addNats(command.optionsGroup("NATS:"))
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per event, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", runHelp)
    .action((flags: RunFlags) =>
      run(async (io) => {
        const plan = planRun(exec === undefined ? flags : { ...flags, exec }, io);
        if (plan.from === "lines") return runLines(plan, io);
        const { runStream } = await withPeers(() => import("./run-stream.ts"));
        return runStream(plan, io);
      }),
    );
}
