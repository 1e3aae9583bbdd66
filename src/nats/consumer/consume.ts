import type { Consumer } from "@nats-io/jetstream";
import { abortable } from "../../internal/abort.ts";
import { systemClock } from "../../internal/clock.ts";
import { objectWith } from "../../internal/validate.ts";
import { Auditor } from "./auditor.ts";
import { checkUse } from "./check-use.ts";
import { type ConsumeOptions, resolveConsumeOptions } from "./consume-options.ts";
import { RunningConsumer } from "./running-consumer.ts";
import { ServerTime } from "./server-time.ts";
import { ConsumerMisconfiguredError } from "./start-up-check.ts";

/**
 * Runs a JetStream pull consumer: dispatches every event once, and acknowledges no message before its event was dispatched.
 *
 * | result | the message is |
 * | --- | --- |
 * | dispatched, with any outcome of the commit | acknowledged, with confirmation |
 * | duplicate | acknowledged |
 * | pending | nak'd, for a short time at first, then longer, until the reservation ends |
 * | the dispatch threw | nak'd with backoff; a dead letter after `maxDeliver` failures |
 * | the dispatch threw a {@link PermanentError} | a dead letter |
 * | no readable identity, or another payload under the same identity | a dead letter |
 * | `identify`, `fingerprint` or `orderBy` threw, or returned an unusable value | a dead letter |
 * | one of these functions returned a promise, so it fails for every message | nak'd, and the consumer ends |
 * | the store is unreachable | nak'd with backoff |
 *
 * An `unconfirmed` commit is acknowledged too: its event was dispatched, and another delivery could dispatch it again. A message
 * that the server would not redeliver (`max_deliver`) is not nak'd: the consumer keeps it and tries again.
 * The consumer's configuration is read again every five seconds, and obeyed. `finished` rejects with a
 * {@link ConsumerMisconfiguredError} if it changes to one that `consume` would refuse.
 * @throws {TypeError | RangeError} naming the first invalid option.
 * @throws {ConsumerMisconfiguredError} with one sentence for each unusable setting of the consumer.
 */
export async function consume(consumer: Consumer, options: ConsumeOptions): Promise<RunningConsumer> {
  objectWith("consumer", consumer, "fetch", "info");
  const resolved = resolveConsumeOptions(options);
  const { onAudit, signal } = resolved;
  signal?.throwIfAborted();
  const time = new ServerTime(systemClock);
  const info = await abortable(
    time.read(() => consumer.info()),
    signal,
  );
  const { name, stream_name } = info;
  const findings = await abortable(checkUse(info, resolved), signal);
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new ConsumerMisconfiguredError(`${stream_name}/${name}`, errors);
  const auditor = new Auditor(stream_name, name, systemClock, onAudit);
  return new RunningConsumer(consumer, info, findings, resolved, auditor, systemClock, time);
}
