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
import { eventually } from "./eventually.ts";
import type { EventStream } from "./worker-stream.ts";

export type AuditOf<Type extends AuditType> = Extract<Audit, { readonly type: Type }>;

/** One replica of a trigger service, in this process. */
export interface Replica extends AsyncDisposable {
  readonly dedup: Deduplicator;
  readonly running: RunningConsumer;
  readonly audits: readonly Audit[];
  /** The ids of the events whose dispatch began, in turn. */
  readonly began: readonly string[];
  of<Type extends AuditType>(type: Type): readonly AuditOf<Type>[];
  /** Waits until as much was audited. */
  until<Type extends AuditType>(type: Type, count?: number): Promise<readonly AuditOf<Type>[]>;
  /** Waits until the deduplicator has taken such a step. */
  untilStep(type: DedupEventType): Promise<void>;
}

interface ReplicaOptions extends Omit<Partial<ConsumeOptions>, "dispatch" | "dedup"> {
  readonly dedup: DeduplicatorOptions | Deduplicator;
  readonly dispatch?: (id: string, context: DispatchContext, message: ReceivedMessage) => unknown;
  readonly connection?: NatsConnection;
  /** @default true */
  readonly keepsDeadLetters?: boolean;
}

/** Starts a replica whose dead letters go to the stream's own place for them. */
export async function replica(stream: EventStream, options: ReplicaOptions): Promise<Replica> {
  const audits: Audit[] = [];
  const began: string[] = [];
  const { dedup: given, dispatch = () => {}, connection, keepsDeadLetters = true, onAudit, ...rest } = options;
  const dedup = given instanceof Deduplicator ? given : new Deduplicator(given);
  const steps = new Set<DedupEventType>();
  dedup.subscribe(({ type }) => steps.add(type));
  const deadLetter = { subject: stream.deadSubject, jetstream: stream.jetstream };
  const running = await consume(await stream.consumer(connection), {
    backoffMs: { firstMs: 50, longestMs: 200 },
    ...(keepsDeadLetters ? { deadLetter } : {}),
    ...rest,
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
  // Told by the tests that lose their consumer; the others see it in what does not happen.
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
    async untilStep(type) {
      await eventually(`the step ${type}`, () => (steps.has(type) ? true : undefined));
    },
    async [Symbol.asyncDispose]() {
      await running.stop({ drainMs: 0 });
      await dedup.close({ drainMs: 0 });
    },
  };
}
