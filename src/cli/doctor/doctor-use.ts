import { optionsFromEnv } from "../../env.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_MAX_DELIVER } from "../../nats/consumer/consume-options.ts";
import type { ConsumerUse } from "../../nats/consumer/start-up-check.ts";
import { DEFAULT_LEASE_MS, DEFAULT_SKEW_MS, DEFAULT_WINDOW_MS } from "../../options.ts";
import type { BucketFlags } from "../bucket/open-buckets.ts";
import { UnusableError, usable } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";
import type { ConsumerName } from "./examine-permissions.ts";

export interface DoctorFlags extends BucketFlags {
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

/** How the bucket and the consumer are used, by the flags, else by the environment, else by the defaults. */
export interface DoctorUse extends ConsumerUse {
  readonly windowMs: number;
  readonly consumer: ConsumerName | undefined;
}

/** @throws {UnusableError} for half a consumer, and for a variable that is wrong. */
export function doctorUse(flags: DoctorFlags, { env }: Pick<CliIo, "env">): DoctorUse {
  const { stream, consumer, deadLetter } = flags;
  if ((stream === undefined) !== (consumer === undefined)) throw new UnusableError(sentences.streamAndConsumer);
  if (deadLetter !== undefined && stream === undefined) throw new UnusableError(sentences.streamOnly("--dead-letter"));
  const fromEnv = usable(() => optionsFromEnv(env));
  return {
    windowMs: flags.window ?? fromEnv.windowMs ?? DEFAULT_WINDOW_MS,
    leaseMs: flags.lease ?? fromEnv.leaseMs ?? DEFAULT_LEASE_MS,
    skewMs: fromEnv.skewMs ?? DEFAULT_SKEW_MS,
    concurrency: flags.concurrency ?? DEFAULT_CONCURRENCY,
    maxDeliver: flags.attempts ?? DEFAULT_MAX_DELIVER,
    namesSubscription: false,
    deadLetterSubject: deadLetter,
    consumer: stream === undefined || consumer === undefined ? undefined : { stream, name: consumer },
  };
}
