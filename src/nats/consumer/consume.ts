import type { Consumer } from "@nats-io/jetstream";
import { abortable } from "../../internal/abort.ts";
import { systemClock } from "../../internal/clock.ts";
import { objectWith } from "../../internal/validate.ts";
import { type ConsumeOptions, resolveConsumeOptions } from "./consume-options.ts";
import { ConsumerLoop } from "./consumer-loop.ts";
import { checkDeadLetters } from "./dead-letter.ts";
import { ConsumerMisconfiguredError, checkConsumer } from "./start-up-check.ts";

/** A consumer at work. Disposing it stops it. */
export interface RunningConsumer extends AsyncDisposable {
  /**
   * Settles when nothing is worked on any more: resolves after a stop; rejects with a {@link LatchkeyError} `closed` when the
   * consumer was deleted, or the connection or the deduplicator was closed. Always handle it: nothing is dispatched after that.
   */
  readonly finished: Promise<void>;
  /**
   * Takes nothing new, puts back what was not begun, and waits `drainMs` for what was. What then still runs is told to stop by
   * its signal and its message is put back; one that does not stop within a second is left to itself. A later call with
   * less time shortens the wait.
   * @param options.drainMs In milliseconds. @default 10_000
   */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Runs a pull consumer of JetStream: every event is dispatched once, and no message is acknowledged before its event was.
 *
 * | what happened | what the message gets |
 * | --- | --- |
 * | dispatched, however the commit ended | acknowledged, and the acknowledgement confirmed |
 * | duplicate | acknowledged |
 * | pending | put back: shortly at first, then longer, until the reservation ends |
 * | the dispatch threw | put back after the backoff; at the `maxDeliver`-th time a dead letter |
 * | the dispatch threw a {@link PermanentError} | dead letter |
 * | no identity that can be read, or another payload under the same one | dead letter |
 * | the store is out of reach | put back after the backoff |
 *
 * A commit that is `unconfirmed` is acknowledged too: its event was dispatched, so that nothing is lost by it, while another
 * delivery could dispatch it again. What the server would not deliver again (`max_deliver`) is not put back but held and tried again.
 * The consumer's configuration is read at the start only: where it is changed, `max_deliver` above all, start again.
 * @throws {TypeError | RangeError} that names the first option that is wrong.
 * @throws {ConsumerMisconfiguredError} with a sentence for each setting of the consumer that is wrong.
 */
export async function consume(consumer: Consumer, options: ConsumeOptions): Promise<RunningConsumer> {
  objectWith("consumer", consumer, "fetch", "info");
  const resolved = resolveConsumeOptions(options);
  const { concurrency, deadLetter, dedup, maxDeliver, signal, subscriptionId } = resolved;
  signal?.throwIfAborted();
  const info = await abortable(consumer.info(), signal);
  const { config, name, stream_name } = info;
  const use = {
    leaseMs: dedup.leaseMs,
    skewMs: dedup.skewMs,
    concurrency,
    maxDeliver,
    namesSubscription: subscriptionId !== undefined,
    deadLetterSubject: deadLetter?.subject,
  };
  const findings = [
    ...checkConsumer(config, use),
    ...(deadLetter === undefined ? [] : await abortable(checkDeadLetters(deadLetter, stream_name, config), signal)),
  ];
  const wrong = findings.filter(({ severity }) => severity === "error");
  if (wrong.length > 0) throw new ConsumerMisconfiguredError(`${stream_name}/${name}`, wrong);
  const consumption = new ConsumerLoop(consumer, info, resolved, systemClock);
  for (const finding of findings) consumption.auditConsumer({ type: "trigger.consumer.warning", finding });
  consumption.start();
  return consumption;
}
