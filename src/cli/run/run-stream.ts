import { type Consumer, jetstream } from "@nats-io/jetstream";
import { errorMessage } from "../../internal/error-message.ts";
import { payloadFingerprint } from "../../model/identify/payload-fingerprint.ts";
import { consume, type RunningConsumer } from "../../nats/index.ts";
import { type Nats, openNats } from "../connection/nats.ts";
import { asCommandErrorAsync, CommandError } from "../terminal/command-error.ts";
import type { ExitCode } from "../terminal/exit-codes.ts";
import { ABORTING, DRAINING, Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import { dispatchEvent } from "./dispatcher.ts";
import { messageEvent, messageIdentifier, payloadOf } from "./event/message-event.ts";
import { closeAtEnd, openDeduplicator } from "./open-deduplicator.ts";
import type { StreamPlan } from "./plan.ts";
import { DeliveryResults } from "./report/delivery-results.ts";
import { RunReport } from "./report/report.ts";
import { auditText, streamReport } from "./report/stream-report.ts";
import { openTarget } from "./target/open-target.ts";

/** Time for commit and acknowledgement after a dispatch, in milliseconds. */
const DRAIN_MARGIN_MS = 10_000;

/** Dispatches the events of a JetStream stream once each, until it is interrupted. */
export async function runStream(plan: StreamPlan, io: CliIo): Promise<ExitCode> {
  await using nats = await openNats(plan.nats, "latchkey run");
  const dedup = await openDeduplicator(plan, nats, io);
  let isAborted = false;
  await using _ = closeAtEnd(dedup, () => isAborted);
  const target = openTarget(plan, io, (text) => void report.note(text));
  await using report = new RunReport(streamReport(target.name, plan.deadLetter !== undefined), plan.json, io);
  const consumer = await findConsumer(nats, plan);
  const results = new DeliveryResults();
  const { workspaceId, subscriptionId, timeoutMs, selection } = plan;
  const dispatcher = { target, workspaceId, subscriptionId, timeoutMs, clock: io.clock };
  const identify = messageIdentifier(selection);
  const { deadLetter, attempts, group } = plan;
  let unusable: CommandError | undefined;
  const running: RunningConsumer = await asCommandErrorAsync(() =>
    consume(consumer, {
      dedup,
      subscriptionId: plan.subscriptionId,
      concurrency: plan.concurrency,
      ...(attempts === undefined ? {} : { maxDeliver: attempts }),
      ...(group === undefined ? {} : { group }),
      ...(deadLetter === undefined
        ? {}
        : {
            deadLetter: { subject: deadLetter, jetstream: jetstream(nats.connection, { apiPrefix: nats.apiPrefix }) },
          }),
      identify(message, subscriptionId) {
        const found = identify(message, subscriptionId);
        return "unidentifiable" in found ? found : { ...found, workspaceId: plan.workspaceId };
      },
      fingerprint: (message) => payloadFingerprint(payloadOf(message, selection)),
      async dispatch(message, { identity, reservation, signal }) {
        try {
          await dispatchEvent(messageEvent(message, identity.eventId, selection), reservation, signal, dispatcher);
        } catch (error) {
          if (error instanceof CommandError) {
            // Retries would only turn valid events into dead letters.
            unusable ??= error;
            void running.stop({ drainMs: 0 });
          }
          throw error;
        }
      },
      onAudit(audit) {
        const result = results.take(audit);
        if (result !== undefined) void report.result(result);
        const text = auditText(audit);
        if (text !== undefined) void report.note(`${text}\n`);
      },
    }),
  );
  using interruption = new Interruption(io, {
    drain(cause) {
      void report.note(DRAINING[cause]);
      void running.stop({ drainMs: plan.timeoutMs + DRAIN_MARGIN_MS });
    },
    abort() {
      isAborted = true;
      void report.note(ABORTING);
      void running.stop({ drainMs: 0 });
    },
  });
  try {
    await running.finished;
  } catch (error) {
    await report.finish(false);
    throw new CommandError(errorMessage(error), { cause: error });
  }
  const exitCode = await report.finish(interruption.abort.aborted);
  if (unusable !== undefined) throw unusable;
  return exitCode;
}

async function findConsumer({ connection, apiPrefix }: Nats, { stream, consumer }: StreamPlan): Promise<Consumer> {
  try {
    return await jetstream(connection, { apiPrefix }).consumers.get(stream, consumer);
  } catch (error) {
    throw new CommandError(
      `Cannot use the consumer \`${printable(consumer)}\` of the stream \`${printable(stream)}\`: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
