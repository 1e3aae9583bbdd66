import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { createClient } from "@redis/client";
import { type RedisDurability, startRedis } from "../support/redis-server.ts";
import { PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { type Contestant, type Guarantees, oneByOne } from "./contestant.ts";

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
  const server = await startRedis(durability);
  const name = `Redis ${server.version}${durability === "disk" ? ", fsync always" : ""}`;
  const client = await createClient({ url: server.url }).connect();
  const config = new IdempotencyConfig({ expiresAfterSeconds: WINDOW_S });
  // Without a context, it warns at every event that it cannot protect events in progress.
  config.registerLambdaContext({ getRemainingTimeInMillis: () => RESERVATION_S * 1_000 });
  const guarded = makeIdempotent(async (_event: { readonly id: string }) => true, {
    persistenceStore: new CachePersistenceLayer({ client }),
    config,
  });
  return {
    setNx: oneByOne({
      name: `SET NX, ${name}`,
      guarantees,
      events,
      async once(id) {
        await client.set(`bare:${id}`, PAYLOAD, { NX: true, EX: RESERVATION_S });
        await client.set(`bare:${id}`, PAYLOAD, { EX: WINDOW_S });
      },
    }),
    powertools: oneByOne({
      name: `Powertools, ${name}`,
      guarantees,
      events,
      once: (id) => guarded({ id }),
    }),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}
