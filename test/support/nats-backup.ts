import type { StreamConfig } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/nats-core";

/** Backup of a stream, as `nats stream backup` takes it. */
export interface Backup {
  readonly config: StreamConfig;
  readonly state: object;
  readonly chunks: readonly Uint8Array[];
}

const TIMEOUT_MS = 10_000;

/** Takes a snapshot of a stream with the server's API. @throws {Error} if the server stops sending it. */
export async function backUp(connection: NatsConnection, stream: string): Promise<Backup> {
  const inbox = createInbox();
  const chunks: Uint8Array[] = [];
  const received = connection.subscribe(inbox);
  const request = JSON.stringify({ deliver_subject: inbox, chunk_size: 65_536 });
  const answer = await connection.request(`$JS.API.STREAM.SNAPSHOT.${stream}`, request, { timeout: TIMEOUT_MS });
  const { config, state, error } = answer.json<Omit<Backup, "chunks"> & { readonly error?: object }>();
  if (error !== undefined) {
    received.unsubscribe();
    throw new Error(`The snapshot failed: ${JSON.stringify(error)}`);
  }
  let isComplete = false;
  const late = setTimeout(() => received.unsubscribe(), TIMEOUT_MS);
  for await (const message of received) {
    isComplete = message.data.length === 0 && message.headers?.hasError !== true;
    if (message.data.length === 0) break;
    chunks.push(message.data);
    message.respond();
  }
  clearTimeout(late);
  received.unsubscribe();
  if (!isComplete) throw new Error("The server did not complete the snapshot");
  return { config, state, chunks };
}

/** Restores a stream that does not exist. */
export async function restore(connection: NatsConnection, { config, state, chunks }: Backup): Promise<void> {
  const request = JSON.stringify({ config, state });
  const answer = await connection.request(`$JS.API.STREAM.RESTORE.${config.name}`, request, { timeout: TIMEOUT_MS });
  const { deliver_subject: subject, error } = answer.json<{
    readonly deliver_subject?: string;
    readonly error?: object;
  }>();
  if (subject === undefined) throw new Error(`The restore failed: ${JSON.stringify(error)}`);
  for (const chunk of chunks) await connection.request(subject, chunk, { timeout: TIMEOUT_MS });
  const end = await connection.request(subject, "", { timeout: TIMEOUT_MS });
  const { error: failure } = end.json<{ readonly error?: object }>();
  if (failure !== undefined) throw new Error(`The restore failed: ${JSON.stringify(failure)}`);
}
