import { setTimeout as pause } from "node:timers/promises";
import { DiscardPolicy, type JetStreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { revisionOffset, withRaisedFences } from "../../src/nats/kv/revision-offset.ts";
import { eventually } from "../support/eventually.ts";
import { backUp, restore } from "../support/nats-backup.ts";
import type { OperatorFault } from "./plan.ts";

/** Stream and consumer that an operator edits. */
export interface Operated {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly bucketStream: string;
  readonly stream: string;
  readonly durable: string;
}

/** Time limit for a request to a cluster that loses and elects leaders. */
const WITHIN_MS = 120_000;

const edits: Readonly<Record<Extract<OperatorFault, { kind: "edit the bucket" }>["setting"], Partial<StreamConfig>>> = {
  discard: { discard: DiscardPolicy.Old },
  max_msgs: { max_msgs: 10_000_000 },
  allow_direct: { allow_direct: false },
};

/** Changes the bucket or the consumer, and takes the change back after a while. */
export async function operate(
  operated: Operated,
  fault: Exclude<OperatorFault, { kind: "restore the bucket from a backup" }>,
): Promise<void> {
  const { manager, stream, durable, bucketStream } = operated;
  if (fault.kind === "edit the consumer") {
    const { config } = await patiently(() => manager.consumers.info(stream, durable));
    const limited = (max_ack_pending: number) =>
      patiently(() => manager.consumers.update(stream, durable, { ...config, max_ack_pending }));
    await limited(fault.maxAckPending);
    await pause(fault.forMs);
    await limited(config.max_ack_pending ?? 1_000);
    return;
  }
  const { config, state } = await patiently(() => manager.streams.info(bucketStream));
  const { subjects, discard, max_msgs, allow_direct, max_bytes, max_msg_size } = config;
  const edit = (changes: Partial<StreamConfig>) =>
    patiently(() => manager.streams.update(bucketStream, { subjects, ...changes }));
  switch (fault.kind) {
    case "edit the bucket":
      await edit(edits[fault.setting]);
      break;
    case "exhaust the bucket":
      await edit({ max_bytes: Math.max(1, state.bytes) });
      break;
    case "lower max_msg_size":
      await edit({ max_msg_size: 100 });
      break;
  }
  await pause(fault.forMs);
  await edit({ discard, max_msgs, allow_direct, max_bytes, max_msg_size });
}

/**
 * Replaces the bucket by a backup of it, and raises its fences, as docs/operations.md says. Nothing must write to it.
 * @returns the number that is added to sequence numbers from now on.
 */
export async function restoreBucket({ connection, manager, bucketStream }: Operated): Promise<number> {
  const backup = await patiently(() => backUp(connection, bucketStream));
  await patiently(async () => {
    await manager.streams.delete(bucketStream).catch(() => false);
    await restore(connection, backup);
    return true;
  });
  const raised = await patiently(async () => {
    const info = await manager.streams.info(bucketStream);
    return manager.streams.update(bucketStream, withRaisedFences(info, Date.now() * 1_000));
  });
  return revisionOffset(raised);
}

function patiently<Value>(request: () => Promise<Value>): Promise<Value> {
  return eventually("the cluster to answer an operator", request, WITHIN_MS);
}
