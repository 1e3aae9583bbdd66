import { Deduplicator } from "latchkey";
import { effectOnce, postgresStore } from "latchkey/postgres";
import pg from "pg";

// Takes a payment from ada's account, once per payment: pay.ts <payment> <cents> [crash]

const [payment = "p-1", cents = "1500", crash] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"] });
pool.on("error", (error) => console.error(error.message));
// A short lease, because the second run of the example waits for the lease of the process that died.
const dedup = new Deduplicator({ store: await postgresStore(pool), leaseMs: 1_000, keepResults: true });

async function transaction<Value>(work: (tx: pg.PoolClient) => Promise<Value>): Promise<Value> {
  const tx = await pool.connect();
  let failure: Error | undefined;
  try {
    await tx.query("begin");
    const value = await work(tx);
    await tx.query("commit");
    return value;
  } catch (error) {
    // Closing the connection rolls back.
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    tx.release(failure);
  }
}

const outcome = await dedup.guard(
  { subscriptionId: "payments", eventId: payment },
  async (reservation) => {
    const receipt = await transaction((tx) =>
      effectOnce(tx, reservation, async () => {
        const { rows } = await tx.query<{ cents: number }>(
          "update accounts set cents = cents - $1 where name = 'ada' returning cents",
          [Number(cents)],
        );
        console.log(`took ${cents} cents`);
        return { balance: rows[0]?.cents };
      }),
    );
    // The money is taken, and the key is not committed yet.
    if (crash !== undefined) process.kill(process.pid, "SIGKILL");
    return receipt;
  },
  { onPending: "wait" },
);
console.log(outcome.outcome, "value" in outcome ? outcome.value : "");
await dedup.close();
await pool.end();
