import { appendFileSync } from "node:fs";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import pg from "pg";
import { seeded } from "../../../src/cli/demo/random.ts";
import { Deduplicator, type Reservation } from "../../../src/index.ts";
import { consume, natsStore } from "../../../src/nats/index.ts";
import { effectOnce } from "../../../src/postgres/index.ts";
import { parseEffectsWorkerConfig } from "./effects-worker-config.ts";

// A replica that moves money: each event adds one cent to an account, in a transaction. It dies or stalls at its failpoints.

const config = parseEffectsWorkerConfig(process.argv[2] ?? "");
const { name, leaseMs, bucket } = config;
const random = seeded(config.seed);
const pool = new pg.Pool({ connectionString: config.postgres, max: config.concurrency * 2 });
pool.on("error", () => {});
const connection = await connect({ servers: [...config.nats], name, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
const client = jetstream(connection);
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket }), owner: name, leaseMs, skewMs: 500 });
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
  // What a handler without a marker would have done, in a book of its own.
  await pool.query("insert into plain_book values ($1)", [event]);
  failpoint("before the transaction");
  const tx = await pool.connect();
  let broken: Error | undefined;
  try {
    await tx.query("begin");
    failpoint("transaction begun");
    await effectOnce(tx, reservation, async () => {
      failpoint("marker inserted");
      await tx.query("insert into book (event, worker) values ($1, $2)", [event, name]);
      failpoint("row inserted");
      await tx.query("update accounts set cents = cents + 1 where id = $1", [Number(event.replace(/\D/g, "")) % 16]);
      failpoint("balance updated");
      return { event };
    });
    failpoint("value kept");
    const committing = tx.query("commit");
    failpoint("commit sent");
    await committing;
    failpoint("committed");
  } catch (error) {
    await tx.query("rollback").catch((cause: unknown) => {
      broken = new Error("the rollback failed", { cause });
    });
    throw error;
  } finally {
    tx.release(broken);
  }
}

/** Ends this process without warning, or blocks it for longer than its lease. */
function failpoint(at: string): void {
  if (random() >= config.failpointChance) return;
  const kind = random() < 0.8 ? "killed" : "stalled";
  appendFileSync(config.failpointFile, `${kind}: ${at}\n`);
  if (kind === "killed") process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, leaseMs + 1_500);
}
