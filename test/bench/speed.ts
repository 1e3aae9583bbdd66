import { startCluster, startNats } from "../support/nats-server.ts";
import type { Contestant, Latency, Promises } from "./contestant.ts";
import type { Figure } from "./figures.ts";
import { median, takeTurns } from "./measure.ts";
import { memoryContestants } from "./memory-store.ts";
import { natsContestants } from "./nats.ts";
import { redisContestants } from "./redis.ts";

const ROUNDS = 5;
const EVENTS = 10_000;
const EVENTS_SYNCED = 2_000;

/** How fast a contestant is; one figure a round. */
export interface Speed {
  readonly name: string;
  readonly promises: Promises;
  readonly perSecond: readonly number[];
  readonly alone: readonly Latency[];
}

/** All contestants in turns, on servers that all run all the time, and what was to be reached. */
export async function benchSpeed(): Promise<{
  readonly speeds: readonly Speed[];
  readonly figures: readonly Figure[];
}> {
  await using server = await startNats();
  await using cluster = await startCluster({ size: 3 });
  await using syncing = await startNats({ jetstreamConfig: "sync_interval: always" });
  await using one = await natsContestants({
    name: "one replica",
    keptBy: "a server; its disk within 2 min",
    urls: [server.url],
    replicas: 1,
    events: EVENTS,
    fastest: "singly",
  });
  await using three = await natsContestants({
    name: "three replicas",
    keptBy: "two of three servers",
    urls: cluster.urls,
    replicas: 3,
    events: EVENTS,
    fastest: "in batches",
  });
  await using synced = await natsContestants({
    name: "one replica, sync always",
    keptBy: "a server's disk",
    urls: [syncing.url],
    replicas: 1,
    events: EVENTS_SYNCED,
    fastest: "in batches",
  });
  await using memory = await memoryContestants();
  await using redis = await redisContestants(EVENTS);
  const contestants = [
    ...[one.bare, one.batches, one.prepared, one.single, one.guards, one.inspected, one.duplicates],
    ...[three.bare, three.batches, three.prepared, three.single, three.guards, three.duplicates],
    ...[synced.bare, synced.batches, synced.prepared, synced.single, synced.guards],
    ...[memory.guards, memory.inspected, memory.duplicates],
    ...(redis === undefined ? [] : [redis.setNx, redis.powertools]),
  ];
  const speeds = await measured(contestants);
  const of = (contestant: Contestant | undefined) => speeds.find(({ name }) => name === contestant?.name);
  const faster = (a: Contestant, b: Contestant | undefined) => ratio(rateOf(of(a)), rateOf(of(b)));
  const slower = (a: Contestant, b: Contestant) => ratio(p50Of(of(a)), p50Of(of(b)));
  return {
    speeds,
    figures: [
      { what: "three replicas, of the bare client", is: faster(three.guards, three.bare), goal: { atLeast: 2 } },
      { what: "one replica, of the bare client", is: faster(one.guards, one.bare), goal: { atLeast: 1.5 } },
      {
        what: "one replica, of Powertools on Redis",
        is: faster(one.guards, redis?.powertools),
        goal: { atLeast: 1.3 },
      },
      {
        what: "alone, one replica, p50 of the bare client's",
        is: slower(one.guards, one.bare),
        goal: { atMost: 1.15 },
      },
      {
        what: "alone, three replicas, p50 of the bare client's",
        is: slower(three.guards, three.bare),
        goal: { atMost: 1.15 },
      },
      { what: "memory store, events in a second", is: rateOf(of(memory.guards)), goal: { atLeast: 40_000 } },
      {
        what: "memory store, inspected, of not inspected",
        is: faster(memory.inspected, memory.guards),
        goal: { atLeast: 0.9 },
      },
      {
        what: "one replica, inspected, of not inspected",
        is: faster(one.inspected, one.guards),
        goal: { atLeast: 0.9 },
      },
      { what: "known duplicates in a second", is: rateOf(of(memory.duplicates)), goal: { atLeast: 300_000 } },
    ],
  };
}

async function measured(contestants: readonly Contestant[]): Promise<readonly Speed[]> {
  for (const contestant of contestants) await contestant.rate("warm");
  const rates = await takeTurns(contestants, ROUNDS, (contestant, round) => contestant.rate(round));
  const alone = await takeTurns(contestants, ROUNDS, async (contestant, round) => contestant.alone?.(round));
  return contestants.map((contestant) => ({
    name: contestant.name,
    promises: contestant.promises,
    perSecond: rates.get(contestant) ?? [],
    alone: (alone.get(contestant) ?? []).filter((latency) => latency !== undefined),
  }));
}

export function rateOf(speed: Speed | undefined): number | undefined {
  return speed === undefined ? undefined : median(speed.perSecond);
}

function p50Of(speed: Speed | undefined): number | undefined {
  return speed === undefined ? undefined : median(speed.alone.map(({ p50Us }) => p50Us));
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}
