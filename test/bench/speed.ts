import { startCluster, startNats } from "../support/nats-server.ts";
import type { RedisDurability } from "../support/redis-server.ts";
import { type ConsumerContestants, consumerContestants } from "./consumers.ts";
import type { Contestant, Guarantees, Latency } from "./contestant.ts";
import type { Figure } from "./figures.ts";
import { httpContestants } from "./http.ts";
import { median, type Rate, takeTurns } from "./measure.ts";
import { type MemoryContestants, memoryContestants } from "./memory-store.ts";
import { type NatsContestants, natsContestants } from "./nats.ts";
import { type PostgresContestants, postgresContestants } from "./postgres.ts";
import { type RedisContestants, redisContestants } from "./redis.ts";

/** Number of events in a round where every write waits for a disk. */
const SYNCED_EVENTS = 1_000;
/** Number of events in such a round with batches. It takes about as long, and a store finds out in the warm-up whether to batch. */
const SYNCED_BATCHED_EVENTS = 5_000;

/** Rounds of a contestant. */
interface Rounds {
  /** Rounds after which a process is as fast as it gets: its code is compiled, and a store has found out whether to batch. */
  readonly warmUp: number;
  /**
   * True to let an unmeasured round of the same length lead in each measured one. While others have their turns for a minute, V8
   * shrinks the young generation of a process.
   */
  readonly leadIn: boolean;
  readonly measured: number;
}

const QUICK: Rounds = { warmUp: 6, leadIn: false, measured: 3 };
const WHOLE: Rounds = { warmUp: 4, leadIn: true, measured: 5 };

/** Speed of a contestant, with one value for each round. */
export interface Speed {
  readonly name: string;
  readonly guarantees: Guarantees;
  readonly rates: readonly Rate[];
  readonly latencies: readonly Latency[];
  /** Error that ended its measurement. */
  readonly error: string | undefined;
}

export interface SpeedOptions {
  /** Measures only the contestants of the main ratios, in fewer and smaller rounds. */
  readonly isQuick: boolean;
  /** Measures only the contestants whose names contain one of these texts; all if it is empty. */
  readonly only: readonly string[];
  readonly onProgress: (line: string) => void;
}

/** Contestants that were measured in turns, by the server that they use. */
interface Field {
  readonly one: NatsContestants;
  readonly consumers: ConsumerContestants;
  readonly three: NatsContestants;
  readonly memory: MemoryContestants;
  readonly synced?: NatsContestants;
  readonly syncedRedis?: RedisContestants | undefined;
}

type Opened = <Resource extends AsyncDisposable>(resource: Resource) => Resource;

/**
 * Measures all contestants and compares them with the goals. Those of a group take turns, and only their servers run: idle servers
 * take CPU time, which contestants need in different amounts.
 */
export async function benchSpeed({ isQuick, only, onProgress }: SpeedOptions): Promise<{
  readonly speeds: readonly Speed[];
  readonly figures: readonly Figure[];
}> {
  const events = isQuick ? 5_000 : 10_000;
  const speeds: Speed[] = [];
  const group = async <Group>(
    open: (opened: Opened) => Promise<Group>,
    contestantsOf: (group: Group) => readonly Contestant[],
  ): Promise<Group> => {
    await using disposables = new AsyncDisposableStack();
    const contestants = await open((resource) => disposables.use(resource));
    const selected = contestantsOf(contestants).filter(
      ({ name }) => only.length === 0 || only.some((text) => name.includes(text)),
    );
    speeds.push(...(await measured(selected, isQuick ? QUICK : WHOLE, onProgress)));
    return contestants;
  };
  const redis = (opened: Opened, durability: RedisDurability) =>
    redisContestants(events, durability).then(opened, (error: unknown) => {
      onProgress(`Redis is not measured: ${messageOf(error)}`);
      return undefined;
    });

  const { one, consumers } = await group(
    async (opened) => {
      const server = opened(await startNats());
      const setup = { name: "one replica", storage: "a server; its disk within 2 min", urls: [server.url] };
      return {
        one: opened(natsContestants({ ...setup, replicas: 1, events, fastest: "singly" })),
        consumers: opened(consumerContestants(server.url, events)),
      };
    },
    ({ one, consumers: { plain, consume } }) =>
      isQuick
        ? [one.bare, one.guards, plain, consume]
        : [
            ...[one.bare, one.guards, one.inspected, one.single, one.prepared, one.batches, one.duplicates],
            ...[plain, consume],
          ],
  );
  const three = await group(
    async (opened) => {
      const { urls } = opened(await startCluster({ size: 3 }));
      const setup = { name: "three replicas", storage: "two of three servers", urls };
      return opened(natsContestants({ ...setup, replicas: 3, events, fastest: "in batches" }));
    },
    ({ bare, batches, prepared, single, guards, duplicates }) =>
      isQuick ? [bare, guards] : [bare, guards, batches, prepared, single, duplicates],
  );
  const memory = await group(
    async (opened) => opened(memoryContestants()),
    ({ guards, inspected, duplicates }) => (isQuick ? [guards, duplicates] : [guards, inspected, duplicates]),
  );
  const field: Field = { one, consumers, three, memory };
  const figuresOfRun = (measuredField: Field) => {
    const figures = figuresOf(measuredField, speeds, isQuick);
    return only.length === 0 ? figures : figures.filter(({ measured }) => measured !== undefined);
  };
  if (isQuick) return { speeds, figures: figuresOfRun(field) };

  const { synced, syncedRedis } = await group(
    async (opened) => ({
      synced: await syncedContestants(opened),
      syncedRedis: await redis(opened, "disk"),
    }),
    ({ synced, syncedRedis }) => [
      ...(syncedRedis === undefined ? [] : [syncedRedis.powertools]),
      ...[synced.guards, synced.bare, synced.batches, synced.prepared, synced.single],
    ],
  );
  await group(
    (opened) => redis(opened, "memory"),
    (contestants) => (contestants === undefined ? [] : [contestants.setNx, contestants.powertools]),
  );
  await group(
    async (opened) => opened(await openPostgres()),
    ({ transaction, effectOnce, insert, guards }) => [transaction, effectOnce, insert, guards],
  );
  await group(
    async (opened) => opened(await httpContestants(events)),
    ({ plain, memory, nats, powertools }) => [
      ...[plain, memory, nats],
      ...(powertools === undefined ? [] : [powertools]),
    ],
  );
  return { speeds, figures: figuresOfRun({ ...field, synced, syncedRedis }) };
}

/** The schema is imported only if it is measured: `npm run bench:compare` may compare with a commit that has no `latchkey/postgres`. */
async function openPostgres(): Promise<PostgresContestants> {
  const { schemaSql } = await import("latchkey/postgres");
  return postgresContestants(SYNCED_EVENTS, schemaSql());
}

async function syncedContestants(opened: Opened): Promise<NatsContestants> {
  const server = opened(await startNats({ jetstreamConfig: "sync_interval: always" }));
  return opened(
    natsContestants({
      name: "one replica, sync always",
      storage: "a server's disk",
      urls: [server.url],
      replicas: 1,
      events: SYNCED_EVENTS,
      batchedEvents: SYNCED_BATCHED_EVENTS,
      fastest: "in batches",
    }),
  );
}

function figuresOf(field: Field, speeds: readonly Speed[], isQuick: boolean): Figure[] {
  const { one, three, synced, memory, syncedRedis, consumers } = field;
  const of = (contestant: Contestant | undefined) => speeds.find(({ name }) => name === contestant?.name);
  const faster = (a: Contestant | undefined, b: Contestant | undefined) => middle(ratios(of(a), of(b), ratesOf));
  const slower = (a: Contestant, b: Contestant) => middle(ratios(of(a), of(b), p50sOf));
  const main = [
    atLeast("consume, compared with the plain consumer", faster(consumers.consume, consumers.plain), 1.4),
    atLeast("three replicas, compared with the bare client", faster(three.guards, three.bare), 2),
    atLeast("one replica, compared with the bare client", faster(one.guards, one.bare), 1.7),
    atMost("latency on one replica, p50 compared with the bare client", slower(one.guards, one.bare), 1.1),
    atMost("latency on three replicas, p50 compared with the bare client", slower(three.guards, three.bare), 1.1),
    atMost("memory store, CPU µs per guard", cpuOf(of(memory.guards)), 9),
    atMost("known duplicate, CPU µs", cpuOf(of(memory.duplicates)), 1.5),
  ];
  if (isQuick) return main;
  return [
    ...main,
    atLeast("three replicas, compared with bare batches", faster(three.guards, three.batches), 0.9),
    atLeast("one replica, compared with prepared bytes", faster(one.guards, one.prepared), 0.5),
    atLeast(
      "disk before every answer, compared with Powertools on Redis",
      faster(synced?.guards, syncedRedis?.powertools),
      1,
    ),
    atLeast("memory store with an inspector, compared with none", faster(memory.inspected, memory.guards), 0.9),
    atLeast("one replica with an inspector, compared with none", faster(one.inspected, one.guards), 0.9),
  ];
}

async function measured(
  contestants: readonly Contestant[],
  { warmUp, leadIn, measured: rounds }: Rounds,
  onProgress: (line: string) => void,
): Promise<readonly Speed[]> {
  const errors = new Map<Contestant, string>();
  const working = () => contestants.filter((contestant) => !errors.has(contestant));
  const onFailed = (contestant: Contestant, error: unknown): void => {
    errors.set(contestant, messageOf(error));
    onProgress(`${contestant.name} failed: ${messageOf(error)}`);
  };
  await takeTurns(working(), { rounds: warmUp, onFailed }, async (contestant, round) => {
    onProgress(`warming up, round ${Number(round) + 1} of ${warmUp}: ${contestant.name}`);
    await contestant.rate(`warm-${round}`);
  });
  const rates = await takeTurns(working(), { rounds, onFailed }, async (contestant, round) => {
    onProgress(`rate, round ${Number(round) + 1} of ${rounds}: ${contestant.name}`);
    if (leadIn) await contestant.rate(`${round}-lead-in`);
    return contestant.rate(round);
  });
  const timed = working().filter(({ latency }) => latency !== undefined);
  const latencies = await takeTurns(timed, { rounds, onFailed }, async (contestant, round) => {
    onProgress(`latency, round ${Number(round) + 1} of ${rounds}: ${contestant.name}`);
    if (leadIn) await contestant.latency?.(`${round}-lead-in`);
    return contestant.latency?.(round);
  });
  return contestants.map((contestant) => ({
    name: contestant.name,
    guarantees: contestant.guarantees,
    rates: rates.get(contestant) ?? [],
    latencies: (latencies.get(contestant) ?? []).filter((latency) => latency !== undefined),
    error: errors.get(contestant),
  }));
}

export function rateOf(speed: Speed | undefined): number | undefined {
  return middle(speed && ratesOf(speed));
}

/** Returns the median CPU time of the contestant's process for each event, in microseconds. */
export function cpuOf(speed: Speed | undefined): number | undefined {
  return middle(speed?.rates.map(({ cpuUs }) => cpuUs));
}

/** Returns the median time of one event alone, in microseconds. */
export function p50Of(speed: Speed | undefined): number | undefined {
  return middle(speed && p50sOf(speed));
}

const ratesOf = ({ rates }: Speed): readonly number[] => rates.map(({ perSecond }) => perSecond);
const p50sOf = ({ latencies }: Speed): readonly number[] => latencies.map(({ p50Us }) => p50Us);

/** Returns the ratio of each round: a shared machine changes its speed, so only rounds that follow each other are compared. */
function ratios(
  a: Speed | undefined,
  b: Speed | undefined,
  figuresOf: (speed: Speed) => readonly number[],
): readonly number[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const others = figuresOf(b);
  return figuresOf(a).flatMap((figure, round) => {
    const other = others[round];
    return other === undefined ? [] : [figure / other];
  });
}

function middle(figures: readonly number[] | undefined): number | undefined {
  return figures === undefined || figures.length === 0 ? undefined : median(figures);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function atLeast(what: string, measured: number | undefined, limit: number): Figure {
  return { what, measured, limit: { atLeast: limit } };
}

function atMost(what: string, measured: number | undefined, limit: number): Figure {
  return { what, measured, limit: { atMost: limit } };
}
