import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";
import { CONCURRENCY, guards } from "./contestant.ts";
import { throughput } from "./measure.ts";
import { answerRequests, cpuUsedUs, type Round } from "./worker-channel.ts";

// One of several processes that guard events on the same bucket.

export interface GuardSetup {
  readonly urls: readonly string[];
  readonly bucket: string;
  readonly shards: number;
  readonly replicas: number;
  /** Part of each event's id, so that no two workers guard the same event. */
  readonly name: string;
}

/** CPU time of one event in this process, in microseconds. */
export interface GuardCost {
  readonly cpuUs: number;
}

const { urls, bucket, shards, replicas, name }: GuardSetup = JSON.parse(process.argv[2] ?? "");
const connection = await connect({ servers: [...urls] });
const once = guards(new Deduplicator({ store: await natsStore(connection, { bucket, shards, replicas }) }));

answerRequests(async ({ round, events }: Round): Promise<GuardCost> => {
  const before = cpuUsedUs();
  await throughput(events, CONCURRENCY, (index) => once(`${name}-${round}-${index}`));
  return { cpuUs: (cpuUsedUs() - before) / events };
});
