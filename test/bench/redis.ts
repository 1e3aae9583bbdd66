import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { createClient } from "@redis/client";
import { startRedis } from "../support/redis-server.ts";
import { PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { type Contestant, oneByOne, type Promises } from "./contestant.ts";

/** What others do for one event on Redis. */
export interface RedisContestants extends AsyncDisposable {
  /** Two writes without anything around them: `SET NX` before, `SET` after. */
  readonly setNx: Contestant;
  /** The idempotency utility of Powertools for AWS Lambda, as its documentation sets it up. */
  readonly powertools: Contestant;
}

const promises: Promises = { keptBy: "a server's memory", fence: "no", lease: "fixed" };

/** @returns `undefined` where no redis-server is installed. */
export async function redisContestants(events: number): Promise<RedisContestants | undefined> {
  const server = await startRedis();
  if (server === undefined) return undefined;
  const client = await createClient({ url: server.url }).connect();
  const config = new IdempotencyConfig({ expiresAfterSeconds: WINDOW_S });
  // Without a context it warns at every event that it can't protect those in progress.
  config.registerLambdaContext({ getRemainingTimeInMillis: () => RESERVATION_S * 1_000 });
  const guarded = makeIdempotent(async (_event: { readonly id: string }) => true, {
    persistenceStore: new CachePersistenceLayer({ client }),
    config,
  });
  return {
    setNx: oneByOne({
      name: `SET NX, Redis ${server.version}`,
      promises,
      events,
      async once(id) {
        await client.set(`bare:${id}`, PAYLOAD, { NX: true, EX: RESERVATION_S });
        await client.set(`bare:${id}`, PAYLOAD, { EX: WINDOW_S });
      },
    }),
    powertools: oneByOne({
      name: `Powertools, Redis ${server.version}`,
      promises,
      events,
      once: (id) => guarded({ id }),
    }),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}
