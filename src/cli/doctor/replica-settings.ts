import { maxAttemptsFromEnv, optionsFromEnv } from "../../env.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_MAX_DELIVER } from "../../nats/consumer/consume-limits.ts";
import type { ConsumerUse } from "../../nats/consumer/start-up-check.ts";
import { DEFAULT_LEASE_MS, DEFAULT_SKEW_MS, DEFAULT_WINDOW_MS } from "../../options.ts";
import { type GroupFlags, groupFrom } from "../connection/group-options.ts";
import type { BucketFlags } from "../connection/open-buckets.ts";
import type { PostgresKeysFlags } from "../connection/open-postgres.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import type { ConsumerName } from "./examine-permissions.ts";

export interface DoctorFlags extends BucketFlags, PostgresKeysFlags, GroupFlags {
  readonly stream?: string;
  readonly consumer?: string;
  readonly deadLetter?: string;
  readonly concurrency?: number;
  readonly attempts?: number;
  readonly lease?: number;
  readonly window?: number;
  readonly monitor?: string;
  readonly json?: boolean;
}

/** Settings of the replicas: from the flags, the environment, or the defaults. */
export interface ReplicaSettings extends ConsumerUse {
  readonly windowMs: number;
  readonly consumer: ConsumerName | undefined;
}

/** @throws {CommandError} for an incomplete consumer name, or an invalid environment variable. */
export function replicaSettings(flags: DoctorFlags, { env }: Pick<CliIo, "env">): ReplicaSettings {
  const { stream, consumer, deadLetter } = flags;
  if ((stream === undefined) !== (consumer === undefined))
    throw new CommandError("--stream and --consumer belong together: give both");
  if (deadLetter !== undefined && stream === undefined) throw new CommandError("--dead-letter needs --stream");
  const group = groupFrom(flags);
  if (group !== undefined && stream === undefined) throw new CommandError("--group needs --stream");
  const fromEnv = asCommandError(() => optionsFromEnv(env));
  return {
    windowMs: flags.window ?? fromEnv.windowMs ?? DEFAULT_WINDOW_MS,
    leaseMs: flags.lease ?? fromEnv.leaseMs ?? DEFAULT_LEASE_MS,
    skewMs: fromEnv.skewMs ?? DEFAULT_SKEW_MS,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    maxDeliver: flags.attempts ?? asCommandError(() => maxAttemptsFromEnv(env)) ?? DEFAULT_MAX_DELIVER,
    namesSubscription: false,
    deadLetterSubject: deadLetter,
    group,
    consumer: stream === undefined || consumer === undefined ? undefined : { stream, name: consumer },
  };
}
