import type { Consumer } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type DedupEventType, Deduplicator, type DeduplicatorOptions } from "../../src/index.ts";
import {
  type Audit,
  type AuditType,
  type ConsumeOptions,
  consume,
  type DispatchContext,
  type ReceivedMessage,
  type RunningConsumer,
} from "../../src/nats/index.ts";
import type { EventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";

export type AuditOf<Type extends AuditType> = Extract<Audit, { readonly type: Type }>;

/** A replica of a trigger service in this process: a deduplicator and a running consumer. */
export interface Worker extends AsyncDisposable {
  readonly dedup: Deduplicator;
  readonly running: RunningConsumer;
  readonly audits: readonly Audit[];
  /** Ids of the events whose dispatch began, in order. */
  readonly began: readonly string[];
  of<Type extends AuditType>(type: Type): readonly AuditOf<Type>[];
  /** Waits for `count` audits of a type. */
  until<Type extends AuditType>(type: Type, count?: number): Promise<readonly AuditOf<Type>[]>;
  /** Waits for an event of the deduplicator. */
  untilDedupEvent(type: DedupEventType): Promise<void>;
}

export interface WorkerOptions extends Omit<Partial<ConsumeOptions>, "dispatch" | "dedup"> {
  readonly dedup: DeduplicatorOptions | Deduplicator;
  readonly dispatch?: (id: string, context: DispatchContext, message: ReceivedMessage) => unknown;
  readonly connection?: NatsConnection;
  /** @default the stream's durable consumer */
  readonly consumer?: Consumer;
  /** @default true */
  readonly storesDeadLetters?: boolean;
}

/** Starts a worker that publishes dead letters to the stream's dead-letter subject. */
export async function startWorker(stream: EventStream, options: WorkerOptions): Promise<Worker> {
  const audits: Audit[] = [];
  const began: string[] = [];
  const { dedup: given, dispatch = () => {}, connection, storesDeadLetters = true, onAudit, ...rest } = options;
  const { consumer = await stream.consumer(connection), ...consumeOptions } = rest;
  const dedup = given instanceof Deduplicator ? given : new Deduplicator(given);
  const dedupEvents = new Set<DedupEventType>();
  dedup.subscribe(({ type }) => dedupEvents.add(type));
  const deadLetter = { subject: stream.deadSubject, jetstream: stream.jetstream };
  const running = await consume(consumer, {
    backoffMs: { firstMs: 50, longestMs: 200 },
    ...(storesDeadLetters ? { deadLetter } : {}),
    ...consumeOptions,
    dedup,
    dispatch(message, context) {
      const id = message.headers?.get("ce-id") ?? "";
      began.push(id);
      return dispatch(id, context, message);
    },
    onAudit(audit) {
      audits.push(audit);
      onAudit?.(audit);
    },
  });
  // Tests that expect a failure await `finished` themselves. In other tests the missing audits show it.
  running.finished.catch(() => {});
  const of = <Type extends AuditType>(type: Type): readonly AuditOf<Type>[] =>
    audits.filter((audit): audit is AuditOf<Type> => audit.type === type);
  return {
    dedup,
    running,
    audits,
    began,
    of,
    until: (type, count = 1) =>
      eventually(`${count} of ${type}`, () => (of(type).length >= count ? of(type) : undefined)),
    async untilDedupEvent(type) {
      await eventually(`the event ${type}`, () => (dedupEvents.has(type) ? true : undefined));
    },
    async [Symbol.asyncDispose]() {
      await running.stop({ drainMs: 0 });
      await dedup.close({ drainMs: 0 });
    },
  };
}
