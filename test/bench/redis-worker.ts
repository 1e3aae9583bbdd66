import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { createClient } from "@redis/client";
import { PAYLOAD, RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { oneByOne } from "./contestant.ts";
import { serveContestant } from "./contestant-process.ts";
import type { RedisSetup } from "./redis.ts";

// The process of one contestant on Redis.

const { runs, url, ...described }: RedisSetup = JSON.parse(process.argv[2] ?? "");
const client = await createClient({ url }).connect();
const config = new IdempotencyConfig({ expiresAfterSeconds: WINDOW_S });
// Without a context, it warns at every event that it cannot protect events in progress.
config.registerLambdaContext({ getRemainingTimeInMillis: () => RESERVATION_S * 1_000 });
const guarded = makeIdempotent(async (_event: { readonly id: string }) => true, {
  persistenceStore: new CachePersistenceLayer({ client }),
  config,
});
serveContestant(oneByOne({ ...described, once: runs === "setNx" ? setNx : (id) => guarded({ id }) }));

async function setNx(id: string): Promise<void> {
  await client.set(`bare:${id}`, PAYLOAD, { NX: true, EX: RESERVATION_S });
  await client.set(`bare:${id}`, PAYLOAD, { EX: WINDOW_S });
}
