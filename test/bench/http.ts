import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { startNats } from "../support/nats-server.ts";
import { startRedis } from "../support/redis-server.ts";
import type { Contestant, Guarantees } from "./contestant.ts";
import type { HttpSetup, HttpState } from "./http-server.ts";
import { throughput } from "./measure.ts";
import { startWorker } from "./worker-channel.ts";

const CONNECTIONS = 64;
const BODY = '{"type":"order.created"}';

/** One HTTP server, with and without deduplication. Every request has a new idempotency key. */
export interface HttpContestants extends AsyncDisposable {
  readonly plain: Contestant;
  readonly memory: Contestant;
  readonly nats: Contestant;
  readonly powertools: Contestant | undefined;
}

export async function httpContestants(requests: number): Promise<HttpContestants> {
  await using starting = new AsyncDisposableStack();
  const natsServer = starting.use(await startNats());
  const redis = await startRedis().then(
    (server) => starting.use(server),
    () => undefined,
  );
  const setup: HttpSetup = { natsUrl: natsServer.url, redisUrl: redis?.url };
  const server = starting.use(startWorker<"state", HttpState>(new URL("http-server.ts", import.meta.url), setup));
  const { port } = await server.ask("state");
  let opened: Promise<readonly HttpClient[]> | undefined;
  // Not before the first round: a server closes a connection that sends no request within a minute.
  const connected = () => {
    opened ??= Promise.all(Array.from({ length: CONNECTIONS }, () => openClient(port)));
    return opened;
  };
  starting.defer(async () => {
    for (const client of (await opened) ?? []) client.close();
  });

  const contestant = (name: string, path: string, guarantees: Guarantees): Contestant => ({
    name: `HTTP: ${name}`,
    guarantees,
    async rate(round) {
      const idle = [...(await connected())];
      const before = await server.ask("state");
      const { perSecond } = await throughput(requests, CONNECTIONS, async (index) => {
        const client = idle.pop();
        if (client === undefined) throw new Error("There are more requests than connections");
        await client.post(path, `${path}-${round}-${index}`);
        idle.push(client);
      });
      const after = await server.ask("state");
      return { perSecond, cpuUs: (after.cpuUs - before.cpuUs) / requests };
    },
  });
  const stack = starting.move();
  return {
    plain: contestant("server without deduplication", "/plain", { storage: "nothing", fence: "no", lease: "none" }),
    memory: contestant("Latchkey, memory store", "/memory", {
      storage: "the server's process",
      fence: "yes",
      lease: "renewed, with a signal",
    }),
    nats: contestant("Latchkey, one NATS replica", "/nats", {
      storage: "a NATS server; its disk within 2 min",
      fence: "yes",
      lease: "renewed, with a signal",
    }),
    powertools:
      redis &&
      contestant(`Powertools, Redis ${redis.version}`, "/powertools", {
        storage: "a Redis server's memory",
        fence: "no",
        lease: "fixed",
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface HttpClient {
  post(path: string, idempotencyKey: string): Promise<void>;
  close(): void;
}

/** Sends prepared bytes over one connection, because Node's own client would take longer than the server. */
async function openClient(port: number): Promise<HttpClient> {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return {
    post(path, idempotencyKey) {
      const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nIdempotency-Key: ${idempotencyKey}\r\n`;
      socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
      return answered(socket);
    },
    close: () => void socket.destroy(),
  };
}

/** Resolves with the end of a response without a body. */
function answered(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let response = "";
    if (socket.destroyed) {
      reject(new Error("The server has closed the connection"));
      return;
    }
    const listen = (chunk: Buffer): void => {
      response += chunk.toString("latin1");
      if (!response.endsWith("\r\n\r\n")) return;
      leave();
      if (response.startsWith("HTTP/1.1 204 ")) resolve();
      else reject(new Error(`The server answered ${response.slice(0, 200)}`));
    };
    const fail = (): void => {
      leave();
      reject(new Error(`The server closed the connection after ${response.slice(0, 200)}`));
    };
    const leave = (): void => {
      socket.off("data", listen).off("close", fail);
    };
    socket.on("data", listen).on("close", fail);
  });
}
