import { type Consumer, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { consume, type RunningConsumer } from "../../nats/index.ts";
import { openNats } from "../connection/nats.ts";
import { UnusableError, usableAsync } from "../terminal/errors.ts";
import type { ExitCode } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { auditSentence, sentences } from "../terminal/sentences.ts";
import { dispatchEvent } from "./dispatcher.ts";
import { eventOf, identifyMessage } from "./message.ts";
import { openDeduplicator } from "./open-deduplicator.ts";
import { openTarget } from "./open-target.ts";
import type { StreamPlan } from "./plan.ts";
import { Report } from "./report.ts";
import { streamAccount } from "./stream-account.ts";
import { DeliveryResults } from "./stream-results.ts";

/** Beyond a dispatch's own time limit, for what follows it. */
const DRAIN_MARGIN_MS = 10_000;

/** Dispatches the events of a JetStream stream, once each, until it is interrupted. */
export async function runStream(plan: StreamPlan, io: CliIo): Promise<ExitCode> {
  await using nats = await openNats(plan.nats, "latchkey run");
  await using dedup = await openDeduplicator(plan, nats, io);
  const target = openTarget(plan, io, (text) => void report.note(text));
  await using report = new Report(streamAccount(target.name, plan.deadLetter !== undefined), plan.json, io);
  const consumer = await findConsumer(nats.connection, plan);
  const results = new DeliveryResults();
  const dispatcher = { target, subscriptionId: plan.subscriptionId, timeoutMs: plan.timeoutMs, clock: io.clock };
  const { deadLetter, attempts } = plan;
  let unusable: UnusableError | undefined;
  const running: RunningConsumer = await usableAsync(() =>
    consume(consumer, {
      dedup,
      subscriptionId: plan.subscriptionId,
      concurrency: plan.concurrency,
      ...(attempts === undefined ? {} : { maxDeliver: attempts }),
      ...(deadLetter === undefined
        ? {}
        : { deadLetter: { subject: deadLetter, jetstream: jetstream(nats.connection) } }),
      identify(message, subscriptionId) {
        const found = identifyMessage(message, subscriptionId);
        return "unidentifiable" in found ? found : { ...found, workspaceId: plan.workspaceId };
      },
      async dispatch(message, { identity, reservation, signal }) {
        try {
          await dispatchEvent(eventOf(message, identity.eventId), reservation, signal, dispatcher);
        } catch (error) {
          if (error instanceof UnusableError) {
            // Other tries would only make dead letters of events that have nothing wrong with them.
            unusable ??= error;
            void running.stop({ drainMs: 0 });
          }
          throw error;
        }
      },
      onAudit(audit) {
        const result = results.take(audit);
        if (result !== undefined) void report.result(result);
        const sentence = auditSentence(audit);
        if (sentence !== undefined) void report.note(`${sentence}\n`);
      },
    }),
  );
  using interruption = new Interruption(io, {
    drain() {
      void report.note(sentences.draining);
      void running.stop({ drainMs: plan.timeoutMs + DRAIN_MARGIN_MS });
    },
    abort() {
      void report.note(sentences.aborting);
      void running.stop({ drainMs: 0 });
    },
  });
  try {
    await running.finished;
  } catch (error) {
    await report.finish(false);
    throw new UnusableError(sentences.consumerLost(error), { cause: error });
  }
  const exitCode = await report.finish(interruption.abort.aborted);
  if (unusable !== undefined) throw unusable;
  return exitCode;
}

async function findConsumer(connection: NatsConnection, { stream, consumer }: StreamPlan): Promise<Consumer> {
  try {
    return await jetstream(connection).consumers.get(stream, consumer);
  } catch (error) {
    throw new UnusableError(sentences.noConsumer(stream, consumer, error), { cause: error });
  }
}
