import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { createClient } from "@redis/client";
import { startRedis } from "../support/redis-server.ts";

/** What others do for one event on Redis; each resolves when the event is done and marked as done. */
export interface RedisPeers extends AsyncDisposable {
  readonly version: string;
  /** Two writes without anything around them: `SET NX` before, `SET` after. */
  setNx(id: string): Promise<unknown>;
  /** The idempotency utility of Powertools for AWS Lambda, as its documentation sets it up. */
  powertools(id: string): Promise<unknown>;
}

const RESERVATION_S = 32;
const WINDOW_S = 86_400;

/** @returns `undefined` where no redis-server is installed. */
export async function openRedisPeers(payload: string): Promise<RedisPeers | undefined> {
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
    version: server.version,
    async setNx(id) {
      await client.set(`bare:${id}`, payload, { NX: true, EX: RESERVATION_S });
      await client.set(`bare:${id}`, payload, { EX: WINDOW_S });
    },
    powertools: (id) => guarded({ id }),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}
