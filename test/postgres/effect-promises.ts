import type pg from "pg";
import type * as Core from "../../src/index.ts";
import type * as Postgres from "../../src/postgres/index.ts";

/** The package under test, or a copy of it with a bug. */
export interface EffectPackage {
  readonly core: typeof Core;
  readonly postgres: typeof Postgres;
}

type Transact = <Value>(work: (tx: pg.PoolClient) => Promise<Value>) => Promise<Value>;

interface Subject extends EffectPackage {
  readonly pool: pg.Pool;
  readonly transact: Transact;
}

type Promised = (subject: Subject) => Promise<boolean>;

/** Promises of `effectOnce` on a real server. Each check returns true if the promise is kept. */
const promises: Readonly<Record<string, Promised>> = {
  "a repetition returns the value": async ({ postgres, transact }) => {
    const once = () =>
      transact((tx) => postgres.effectOnce(tx, { idempotencyKey: "value", fence: 1 }, () => ({ cents: 7 })));
    await once();
    return JSON.stringify(await once()) === JSON.stringify({ cents: 7 });
  },
  "concurrent transactions have one effect": async ({ postgres, transact }) => {
    let [begun, effects] = [0, 0];
    const all = Array.from({ length: 6 }, () =>
      transact(async (tx) => {
        begun += 1;
        while (begun < 6) await tx.query("select pg_sleep(0.001)");
        await postgres.effectOnce(tx, { idempotencyKey: "concurrent", fence: 1 }, async () => {
          await tx.query("select pg_sleep(0.05)");
          effects += 1;
        });
      }),
    );
    await Promise.allSettled(all);
    return effects === 1;
  },
  "a lower fence is refused": async ({ postgres, transact }) => {
    await transact((tx) => postgres.effectOnce(tx, { idempotencyKey: "fenced", fence: 10 }, () => {}));
    return isFenced(transact((tx) => postgres.effectOnce(tx, { idempotencyKey: "fenced", fence: 9 }, () => {})));
  },
  "a lower fence is refused for another effect of the event": async ({ postgres, transact }) => {
    const run = (fence: number, name: string) =>
      transact((tx) => postgres.effectOnce(tx, { idempotencyKey: "names", fence }, () => {}, { name }));
    await run(10, "charge");
    return isFenced(run(9, "mail"));
  },
  "each named effect of an event happens": async ({ postgres, transact }) => {
    const done: string[] = [];
    for (const name of ["charge", "mail", "charge"]) {
      await transact((tx) =>
        postgres.effectOnce(tx, { idempotencyKey: "named", fence: 1 }, () => void done.push(name), { name }),
      );
    }
    return done.join() === "charge,mail";
  },
  "each tenant's event has an effect": async ({ core, postgres, transact }) => {
    const dedup = new core.Deduplicator({ store: core.memoryStore() });
    let effects = 0;
    for (const workspaceId of ["acme", "globex"]) {
      await dedup.guard({ workspaceId, subscriptionId: "s", eventId: "e" }, ({ idempotencyKey }) =>
        transact((tx) =>
          postgres.effectOnce(tx, { idempotencyKey, fence: 0 }, () => {
            effects += 1;
          }),
        ),
      );
    }
    return effects === 2;
  },
  "the effect does not run before the marker of another transaction is decided": async ({ postgres, transact }) => {
    const reservation = { idempotencyKey: "order", fence: 1 };
    let ran = 0;
    await transact((tx) =>
      postgres.effectOnce(tx, reservation, () => {
        ran += 1;
      }),
    );
    await transact((tx) =>
      postgres.effectOnce(tx, reservation, () => {
        ran += 1;
      }),
    );
    return ran === 1;
  },
  "an error that the caller swallows does not commit a marker": async ({ postgres, transact, pool }) => {
    const swallowing = transact((tx) =>
      postgres
        .effectOnce(tx, { idempotencyKey: "swallowed", fence: 1 }, () => Promise.reject(new Error("no")))
        .catch(() => {}),
    );
    await swallowing.catch(() => {});
    const { rows } = await pool.query("select from latchkey.effects where key = 'swallowed'");
    return rows.length === 0;
  },
  "an effect that was rolled back happens at the next dispatch": async ({ postgres, transact }) => {
    let effects = 0;
    const run = (end: () => void) =>
      transact(async (tx) => {
        await postgres.effectOnce(tx, { idempotencyKey: "rolled back", fence: 1 }, () => {
          effects += 1;
        });
        end();
      });
    const crash = run(() => {
      throw new Error("crash");
    });
    await crash.catch(() => {});
    await run(() => {});
    return effects === 2;
  },
  "a marker is kept for keepMs": async ({ postgres, transact, pool }) => {
    let effects = 0;
    const run = () =>
      transact((tx) =>
        postgres.effectOnce(
          tx,
          { idempotencyKey: "kept", fence: 1 },
          () => {
            effects += 1;
          },
          { keepMs: 60_000 },
        ),
      );
    await run();
    await pool.query("select pg_sleep(0.1)");
    await postgres.deleteExpiredEffects(pool);
    await run();
    return effects === 1;
  },
};

/** Returns the promises that a package breaks. */
export async function brokenPromises(tested: EffectPackage, pool: pg.Pool): Promise<readonly string[]> {
  await pool.query(`drop schema latchkey cascade; ${tested.postgres.schemaSql()}`);
  const broken: string[] = [];
  for (const [name, isKept] of Object.entries(promises)) {
    const kept = isKept({ ...tested, pool, transact: (work) => transactOn(pool, work) });
    // A bug may also make a check fail with an error.
    if (!(await kept.catch(() => false))) broken.push(name);
  }
  return broken;
}

async function transactOn<Value>(pool: pg.Pool, work: (tx: pg.PoolClient) => Promise<Value>): Promise<Value> {
  const tx = await pool.connect();
  try {
    await tx.query("begin");
    const value = await work(tx);
    await tx.query("commit");
    return value;
  } catch (error) {
    await tx.query("rollback");
    throw error;
  } finally {
    tx.release();
  }
}

async function isFenced(run: Promise<unknown>): Promise<boolean> {
  return run.then(
    () => false,
    (error: unknown) => error instanceof Error && Reflect.get(error, "code") === "fenced",
  );
}
