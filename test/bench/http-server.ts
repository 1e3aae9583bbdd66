import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { CachePersistenceLayer } from "@aws-lambda-powertools/idempotency/cache";
import { connect } from "@nats-io/transport-node";
import { createClient } from "@redis/client";
import { Deduplicator, memoryStore, type Store } from "latchkey";
import { idempotencyKey, toNodeHandler, webhook } from "latchkey/http";
import { natsStore } from "latchkey/nats";
import { RESERVATION_S, WINDOW_S } from "./bare-client.ts";
import { answerRequests, cpuUsedUs } from "./worker-channel.ts";

// A server of the HTTP benchmark, as a process of its own. Every path handles the same request: it reads the body and answers 204.

export interface HttpSetup {
  readonly natsUrl: string;
  /** `undefined` if there is no Redis. */
  readonly redisUrl: string | undefined;
}

/** State of the server: its port, and the CPU time that it has used. */
export interface HttpState {
  readonly port: number;
  readonly cpuUs: number;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

const { natsUrl, redisUrl }: HttpSetup = JSON.parse(process.argv[2] ?? "");
const connection = await connect({ servers: natsUrl });
const routes = new Map<string | undefined, Handle>([
  ["/plain", plainly],
  ["/memory", guarded(memoryStore())],
  ["/nats", guarded(await natsStore(connection, { bucket: "http" }))],
]);
if (redisUrl !== undefined) routes.set("/powertools", await withPowertools(redisUrl));

const server = createServer((request, response) => {
  void routes.get(request.url)?.(request, response);
});
// The clients' connections are idle while the other contestants run.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? Number(address?.port) : Number.NaN;
answerRequests((): HttpState => ({ port, cpuUs: cpuUsedUs() }));

async function plainly(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await buffer(request);
  response.writeHead(204).end();
}

function guarded(store: Store): Handle {
  return toNodeHandler(
    webhook({
      dedup: new Deduplicator({ store }),
      source: idempotencyKey({ scope: () => "bench" }),
      dispatch: () => undefined,
      onWarning: () => {},
    }),
  );
}

/** The idempotency utility of Powertools for AWS Lambda, around the same handler. */
async function withPowertools(url: string): Promise<Handle> {
  const client = await createClient({ url }).connect();
  const config = new IdempotencyConfig({ expiresAfterSeconds: WINDOW_S });
  config.registerLambdaContext({ getRemainingTimeInMillis: () => RESERVATION_S * 1_000 });
  const persistenceStore = new CachePersistenceLayer({ client });
  const once = makeIdempotent(async (_event: { readonly id: string }) => true, { persistenceStore, config });
  return async (request, response) => {
    await buffer(request);
    await once({ id: String(request.headers["idempotency-key"]) });
    response.writeHead(204).end();
  };
}
