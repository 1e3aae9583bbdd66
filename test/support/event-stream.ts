import { randomUUID } from "node:crypto";
import {
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Identity } from "../../src/index.ts";
import { eventually } from "./eventually.ts";

/** A stream of events with one durable consumer, and a stream for its dead letters. */
export interface EventStream {
  readonly name: string;
  readonly subject: string;
  readonly deadSubject: string;
  /** Name of the stream of the dead letters. */
  readonly deadName: string;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Returns the durable consumer, as seen through `connection`. */
  consumer(connection?: NatsConnection): Promise<Consumer>;
  info(): Promise<ConsumerInfo>;
  /** Waits until `messages` messages were delivered and acknowledged or terminated. */
  settled(messages: number): Promise<void>;
  /** Returns the identity of a published id, for the default subscription. */
  identity(id: string): Identity;
  /** Publishes an event with this id. The default body contains it too. */
  publish(id: string, body?: string): Promise<void>;
  /** Returns the dead letters. */
  dead(): Promise<readonly StoredMsg[]>;
  addDeadLetters(): Promise<void>;
  /** Changes the configuration of the dead letters' stream. */
  editDeadLetters(change: DeadLetterChange): Promise<void>;
}

export type DeadLetterChange = Parameters<JetStreamManager["streams"]["update"]>[1] & { readonly sealed?: boolean };

interface Storage {
  readonly storage: "memory" | "file";
  readonly num_replicas: number;
}

export const DURABLE = "worker";
/** Short, so that redeliveries come soon; long enough that none comes because a busy machine sends an in-progress ack late. */
export const ACK_WAIT_MS = 2_000;

/** Creates an event stream, its durable consumer and its dead-letter stream. */
export async function createEventStream(
  connection: NatsConnection,
  config: Partial<ConsumerConfig> = {},
  storage: "memory" | "file" = "memory",
  replicas = 1,
): Promise<EventStream> {
  const stream = await openEventStream(connection, `E-${randomUUID()}`, { storage, num_replicas: replicas });
  const { name, subject, manager } = stream;
  // A cluster that elects a leader loses requests. Creating the same again changes nothing.
  await eventually("the stream to be created", () =>
    manager.streams.add({ name, subjects: [subject], storage, num_replicas: replicas }),
  );
  await eventually("the consumer to be created", () =>
    manager.consumers.add(name, {
      durable_name: DURABLE,
      ack_policy: "explicit",
      ack_wait: nanos(ACK_WAIT_MS),
      ...config,
    }),
  );
  await stream.addDeadLetters();
  return stream;
}

/** Returns the event stream of this name, as seen through `connection`. Creates nothing. */
export async function openEventStream(
  connection: NatsConnection,
  name: string,
  storage: Storage = { storage: "memory", num_replicas: 1 },
): Promise<EventStream> {
  const subject = `events.${name}`;
  const deadSubject = `dead.${name}`;
  const deadName = `D-${name}`;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const client = jetstream(connection);
  return {
    name,
    subject,
    deadSubject,
    deadName,
    jetstream: client,
    manager,
    consumer: (through = connection) => jetstream(through).consumers.get(name, DURABLE),
    info: () => manager.consumers.info(name, DURABLE),
    async settled(messages) {
      await eventually("all messages to be answered", async () => {
        const { num_pending, num_ack_pending, ack_floor } = await manager.consumers.info(name, DURABLE);
        return num_pending === 0 && num_ack_pending === 0 && ack_floor.stream_seq === messages ? true : undefined;
      });
    },
    identity: (id) => ({ subscriptionId: `${name}/${DURABLE}`, eventId: JSON.stringify(["/test", id]) }),
    async publish(id, body = `body of ${id}`) {
      const own = headers();
      own.set("ce-source", "/test");
      own.set("ce-id", id);
      await client.publish(subject, body, { headers: own });
    },
    async dead() {
      const { state } = await manager.streams.info(deadName);
      const found: StoredMsg[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq += 1) {
        const message = await manager.streams.getMessage(deadName, { seq });
        if (message !== null) found.push(message);
      }
      return found;
    },
    async addDeadLetters() {
      await eventually("the stream of dead letters to be created", () =>
        manager.streams.add({ name: deadName, subjects: [deadSubject], ...storage }),
      );
    },
    async editDeadLetters(change) {
      await manager.streams.update(deadName, change);
    },
  };
}
