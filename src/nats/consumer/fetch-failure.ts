import { type Consumer, type ConsumerInfo, JetStreamApiCodes } from "@nats-io/jetstream";
import { errors } from "@nats-io/nats-core";
import type { Clock } from "../../internal/clock.ts";
import { retryUntil } from "../../internal/retry.ts";

/** Why a consumer will deliver no more messages. */
export interface ConsumerLoss {
  readonly reason: string;
  readonly cause: unknown;
}

/** Time for which "consumer not found" is retried: a server that has just become the metadata leader may not know the consumer yet. */
const NOT_FOUND_MS = 1_000;
/** Ten attempts within {@link NOT_FOUND_MS}. */
const NOT_FOUND_PAUSE_MS = 100;

/**
 * Finds out whether a fetch failed for good. If a later fetch may succeed, returns what the server reports of the consumer;
 * `undefined` without an answer.
 */
export async function diagnoseFetchFailure(
  consumer: Consumer,
  error: unknown,
  clock: Clock,
  signal: AbortSignal,
): Promise<ConsumerLoss | ConsumerInfo | undefined> {
  const fetchLoss = connectionLoss(error);
  if (fetchLoss !== undefined) return fetchLoss;
  const backoff = { firstMs: NOT_FOUND_PAUSE_MS, longestMs: NOT_FOUND_PAUSE_MS };
  const answer = await retryUntil({ clock, timeoutMs: NOT_FOUND_MS, backoff, signal }, async (isLast) => {
    const found = await readConsumer(consumer);
    return "error" in found && isNotFound(found.error) && !isLast ? undefined : found;
  });
  if (answer === undefined) return undefined;
  if ("info" in answer) return answer.info;
  if (isNotFound(answer.error)) return { reason: "it no longer exists", cause: answer.error };
  return connectionLoss(answer.error);
}

async function readConsumer(
  consumer: Consumer,
): Promise<{ readonly info: ConsumerInfo } | { readonly error: unknown }> {
  try {
    return { info: await consumer.info() };
  } catch (error) {
    return { error };
  }
}

function connectionLoss(error: unknown): ConsumerLoss | undefined {
  const isClosed = error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError;
  return isClosed ? { reason: "the connection is closed", cause: error } : undefined;
}

function isNotFound(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === JetStreamApiCodes.ConsumerNotFound || error.code === JetStreamApiCodes.StreamNotFound;
}
