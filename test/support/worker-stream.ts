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

/** A stream of events with one durable consumer, and another stream for what cannot be dispatched. */
export interface EventStream {
  readonly name: string;
  readonly subject: string;
  readonly deadSubject: string;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  /** The durable consumer, as seen through `connection`. */
  consumer(connection?: NatsConnection): Promise<Consumer>;
  info(): Promise<ConsumerInfo>;
  /** Waits until so many messages were delivered, and each was answered for good. */
  settled(messages: number): Promise<void>;
  /** Which event a published id is, where the subscription is not named. */
  identity(id: string): Identity;
  /** Publishes an event with this id; the body names it too. */
  publish(id: string, body?: string): Promise<void>;
  /** What became a dead letter. */
  dead(): Promise<readonly StoredMsg[]>;
  addDeadLetters(): Promise<void>;
}

export const DURABLE = "worker";
/** So short that redeliveries come soon, and so long that none comes because a busy machine was late with a sign of life. */
export const ACK_WAIT_MS = 2_000;

export async function eventStream(
  connection: NatsConnection,
  config: Partial<ConsumerConfig> = {},
  storage: "memory" | "file" = "memory",
  replicas = 1,
): Promise<EventStream> {
  const name = `E-${randomUUID()}`;
  const subject = `events.${name}`;
  const deadSubject = `dead.${name}`;
  const deadName = `D-${name}`;
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  await manager.streams.add({ name, subjects: [subject], storage, num_replicas: replicas });
  await manager.consumers.add(name, {
    durable_name: DURABLE,
    ack_policy: "explicit",
    ack_wait: nanos(ACK_WAIT_MS),
    ...config,
  });
  const stream: EventStream = {
    name,
    subject,
    deadSubject,
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
      await manager.streams.add({ name: deadName, subjects: [deadSubject], storage, num_replicas: replicas });
    },
  };
  await stream.addDeadLetters();
  return stream;
}
