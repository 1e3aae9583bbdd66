import type { ConsumerInfo } from "@nats-io/jetstream";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import { checkDeadLetterStream } from "./dead-letter-stream.ts";
import { type ConsumerFinding, checkConsumer } from "./start-up-check.ts";

/** Checks everything that `consume` depends on: the consumer, the server that leads it, and the stream of the dead letters. */
export async function checkUse(
  { config, stream_name }: ConsumerInfo,
  { concurrency, deadLetter, dedup, maxDeliver, subscriptionId }: ResolvedConsumeOptions,
): Promise<readonly ConsumerFinding[]> {
  const use = {
    leaseMs: dedup.leaseMs,
    skewMs: dedup.skewMs,
    windowMs: dedup.windowMs,
    concurrency,
    maxDeliver,
    namesSubscription: subscriptionId !== undefined,
    deadLetterSubject: deadLetter?.subject,
  };
  const deadLetters = deadLetter === undefined ? [] : await checkDeadLetterStream(deadLetter, stream_name, config);
  return [...checkConsumer(config, use), ...deadLetters];
}
