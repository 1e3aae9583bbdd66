import type { Command } from "commander";
import { DEFAULT_CONCURRENCY, DEFAULT_MAX_DELIVER, MAX_CONCURRENCY } from "../../nats/consumer/consume-limits.ts";
import { DEFAULT_LEASE_MS, DEFAULT_WINDOW_MS } from "../../options.ts";
import type { CommandContext } from "../command-context.ts";
import { addGroup } from "../connection/group-options.ts";
import { addPostgresKeys, addShardedBucket } from "../connection/server-options.ts";
import { secondsFrom, wholeNumberFrom } from "../terminal/option-values.ts";
import { doctorHelp } from "./help.ts";
import type { DoctorFlags } from "./replica-settings.ts";

/** Declares `latchkey doctor`. */
export function declareDoctor(program: Command, { run }: CommandContext): void {
  const doctor = program
    .command("doctor")
    .summary("examine server, bucket or tables, consumer, permissions, clocks and records")
    .description(
      "Examines the server, the bucket or the tables in PostgreSQL, a consumer, permissions, clocks and records. Reports each " +
        "finding with its severity, the evidence, and what to do. Changes nothing.",
    );
  const consumer = addPostgresKeys(addShardedBucket(doctor))
    .optionsGroup("Consumer:")
    .option("--stream <name>", "stream of the consumer")
    .option("--consumer <name>", "consumer of the replicas")
    .option("--dead-letter <subject>", "subject of its dead letters");
  addGroup(consumer)
    .optionsGroup("Settings of the replicas:")
    .option(
      "--window <seconds>",
      `window of the replicas (default: TRIGGER_DEDUP_TTL_SECONDS, or ${DEFAULT_WINDOW_MS / 1_000})`,
      secondsFrom(1),
    )
    .option(
      "--lease <seconds>",
      `lease of the replicas (default: LATCHKEY_LEASE_SECONDS, or ${DEFAULT_LEASE_MS / 1_000})`,
      secondsFrom(1),
    )
    .option(
      "--concurrency <n>",
      `concurrent dispatches per replica (default: ${DEFAULT_CONCURRENCY})`,
      wholeNumberFrom(1, MAX_CONCURRENCY),
    )
    .option(
      "--attempts <n>",
      `failed dispatches before a dead letter (default: TRIGGER_DISPATCH_MAX_RETRIES plus 1, or ${DEFAULT_MAX_DELIVER})`,
      wholeNumberFrom(1),
    )
    .option("--monitor <url>", "monitoring URLs of the servers, separated by commas, for more checks")
    .optionsGroup("Output:")
    .option("--json", "print one JSON object per finding, and one with the summary")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", doctorHelp)
    .action((flags: DoctorFlags) =>
      run(async (io) => {
        const { doctorCommand } = await import("./doctor-command.ts");
        return doctorCommand(flags, io);
      }),
    );
}
