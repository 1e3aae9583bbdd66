import type { ConsumerConfig, JetStreamClient } from "@nats-io/jetstream";
import type { DeadLetterOptions } from "./dead-letter.ts";
import { type ConsumerFinding, finding } from "./start-up-check.ts";

/** Checks that a stream stores the dead letters, and that the consumer does not receive them itself. */
export async function checkDeadLetterStream(
  { subject, jetstream }: DeadLetterOptions,
  stream: string,
  config: ConsumerConfig,
): Promise<readonly ConsumerFinding[]> {
  const setting = "deadLetter";
  const destination = await findStream(jetstream, subject);
  if (destination === "unknown") {
    const problem = `it could not be found out whether a stream stores \`${subject}\``;
    return [finding("warning", setting, problem, "make sure that a stream stores it: dead letters need one")];
  }
  if (destination === undefined) {
    const problem = `no stream stores \`${subject}\`, so dead letters cannot be stored`;
    return [finding("error", setting, problem, "add the subject to a stream")];
  }
  const isFiltered = config.filter_subject !== undefined || config.filter_subjects !== undefined;
  if (destination.name !== stream || isFiltered) return [];
  const problem = `dead letters for \`${subject}\` are stored in \`${stream}\`, all of which this consumer reads`;
  return [finding("error", setting, problem, "use another stream, or a filter")];
}

/** Returns the stream that stores a subject; `unknown` without the permission to ask. */
async function findStream(
  jetstream: JetStreamClient,
  subject: string,
): Promise<{ readonly name: string } | "unknown" | undefined> {
  try {
    const manager = await jetstream.jetstreamManager(false);
    const [name] = await manager.streams.names(subject).next();
    return name === undefined ? undefined : { name };
  } catch {
    return "unknown";
  }
}
