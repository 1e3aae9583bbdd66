import { appendFileSync } from "node:fs";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import pg from "pg";
import { seeded } from "../../../src/cli/demo/scenario/random.ts";
import { Deduplicator, type Reservation } from "../../../src/index.ts";
import { consume, natsStore, publishOnce } from "../../../src/nats/index.ts";
import { effectOnce, type QueryClient } from "../../../src/postgres/index.ts";
import { parseEffectsWorkerConfig } from "./effects-worker-config.ts";

// A replica that moves money: each event adds one cent to an account, in a transaction, and then publishes a receipt. It dies or stalls
// at its failpoints. FAILPOINTS_PER_DISPATCH is their number.

const config = parseEffectsWorkerConfig(process.argv[2] ?? "");
const { name, leaseMs, bucket } = config;
const random = seeded(config.seed);
const pool = new pg.Pool({ connectionString: config.postgres, max: config.concurrency * 2 });
pool.on("error", () => {});
const connection = await connect({ servers: [...config.nats], name, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const client = jetstream(connection);
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket }), owner: name, leaseMs, skewMs: 500 });
dedup.subscribe(({ type }) => {
  if (type === "dispatched") failpoint("dispatch returned");
  if (type === "committed") failpoint("key committed");
});
const running = await consume(await client.consumers.get(config.stream, config.durable), {
  dedup,
  concurrency: config.concurrency,
  maxDeliver: Number.MAX_SAFE_INTEGER,
  backoffMs: { firstMs: 50, longestMs: 1_000 },
  identify: (message, subscriptionId) => ({ subscriptionId, eventId: message.string() }),
  dispatch: (message, { reservation }) => dispatch(message.string(), reservation),
});
process.send?.("ready");
process.once("SIGTERM", () => void running.stop());
await running.finished;
await dedup.close();
await connection.close();
await pool.end();

async function dispatch(event: string, reservation: Reservation): Promise<void> {
  // Records the effects of a handler without a marker, in a table of its own.
  await pool.query("insert into plain_book values ($1)", [event]);
  failpoint("before the transaction");
  await transaction((tx) =>
    effectOnce({ query: (text, values) => step(statementOf(text), tx.query(text, values)) }, reservation, async () => {
      await step("row", tx.query("insert into book (event, worker) values ($1, $2)", [event, name]));
      const account = Number(event.replace(/\D/g, "")) % 16;
      await step("balance", tx.query("update accounts set cents = cents + 1 where id = $1", [account]));
      return { event };
    }),
  );
  await step("receipt", publishOnce(client, config.receipts, event, reservation));
}

async function transaction(work: (tx: QueryClient) => Promise<unknown>): Promise<void> {
  const tx = await pool.connect();
  let broken: Error | undefined;
  // Without a listener, a connection that breaks between two statements would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  tx.on("error", onError);
  try {
    await step("begin", tx.query("begin"));
    await work(tx);
    await step("commit", tx.query("commit"));
  } catch (error) {
    await tx.query("rollback").catch((cause: unknown) => {
      broken = new Error("the rollback failed", { cause });
    });
    throw error;
  } finally {
    tx.off("error", onError);
    tx.release(broken);
  }
}

/** Names a statement of effectOnce. */
function statementOf(text: string): string {
  return /\b(insert|update)\b/.exec(text)?.[0] === "update" ? "value" : "marker";
}

/** Waits for the answer to a request, with a failpoint before and after it arrives. */
async function step<Answer>(request: string, answer: PromiseLike<Answer>): Promise<Answer> {
  failpoint(`${request} sent`);
  const answered = await answer;
  failpoint(`${request} answered`);
  return answered;
}

/** Ends this process without warning, or blocks it for longer than its lease. */
function failpoint(at: string): void {
  if (random() >= config.failpointChance) return;
  const kind = random() < 0.8 ? "killed" : "stalled";
  appendFileSync(config.failpointFile, `${kind}: ${at}\n`);
  if (kind === "killed") process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs + 1_500);
}
