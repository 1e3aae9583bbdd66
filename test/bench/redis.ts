import { type RedisDurability, startRedis } from "../support/redis-server.ts";
import type { Contestant, Guarantees } from "./contestant.ts";
import { type Described, inOwnProcess } from "./contestant-process.ts";

const WORKER = new URL("redis-worker.ts", import.meta.url);

/** What the process of a contestant runs. */
export interface RedisSetup extends Described {
  readonly url: string;
  readonly runs: Exclude<keyof RedisContestants, symbol>;
}

/** Alternatives to Latchkey on Redis. */
export interface RedisContestants extends AsyncDisposable {
  /** Two plain writes: `SET NX` before the dispatch, `SET` after it. */
  readonly setNx: Contestant;
  /** The idempotency utility of Powertools for AWS Lambda, set up as in its documentation. */
  readonly powertools: Contestant;
}

const storage = { memory: "a server's memory", disk: "a server's disk" } as const;

export async function redisContestants(events: number, durability: RedisDurability): Promise<RedisContestants> {
  const guarantees: Guarantees = { storage: storage[durability], fence: "no", lease: "fixed" };
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis(durability));
  const name = `Redis ${server.version}${durability === "disk" ? ", fsync always" : ""}`;
  const contestant = (runs: RedisSetup["runs"], what: string): Contestant => {
    const setup: RedisSetup = { name: `${what}, ${name}`, guarantees, events, url: server.url, runs };
    return stack.use(inOwnProcess(WORKER, setup));
  };
  return {
    setNx: contestant("setNx", "SET NX"),
    powertools: contestant("powertools", "Powertools"),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
