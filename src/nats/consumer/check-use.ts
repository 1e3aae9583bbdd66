import type { ConsumerInfo } from "@nats-io/jetstream";
import { checkScheduledRetries } from "./check-scheduled-retries.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import type { ConsumerFinding } from "./consumer-finding.ts";
import { checkDeadLetterStream } from "./dead-letter-stream.ts";
import { checkConsumer, checkPause, filtersOf } from "./start-up-check.ts";

/** Checks everything that `consume` depends on: the consumer, the server that leads it, and the stream of the dead letters. */
export async function checkUse(
  info: ConsumerInfo,
  {
    backoffMs,
    concurrency,
    deadLetter,
    dedup,
    group,
    maxDeliver,
    scheduledRetries,
    subscriptionId,
  }: ResolvedConsumeOptions,
): Promise<readonly ConsumerFinding[]> {
  const { config, stream_name } = info;
  const use = {
    leaseMs: dedup.leaseMs,
    skewMs: dedup.skewMs,
    windowMs: dedup.windowMs,
    concurrency,
    maxDeliver,
    namesSubscription: subscriptionId !== undefined,
    deadLetterSubject: deadLetter?.subject,
    group,
  };
  const deadLetters = deadLetter === undefined ? [] : await checkDeadLetterStream(deadLetter, stream_name, config);
  const schedules =
    scheduledRetries === undefined
      ? []
      : await checkScheduledRetries(scheduledRetries, stream_name, filtersOf(config), backoffMs.longestMs);
  return [...checkConsumer(config, use), ...checkPause(info), ...deadLetters, ...schedules];
}
