import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RecordUnreadableError, StoreUnavailableError } from "../../src/errors.ts";
import type { StoreKey } from "../../src/model/identity.ts";
import type { Change, Entry } from "../../src/model/store.ts";
import { watchKeys } from "../../src/postgres/key-watch.ts";
import { Connections, type PgClient } from "../../src/postgres/pool.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { identity, reservation } from "../support/store-contract-fixture.ts";

const of = identity("evt-1", { workspaceId: "ws-1" });
const other = identity("evt-2", { workspaceId: "ws-2" });
const FLOOR = 10;

/** A connection whose statements a test answers. */
class FakeClient extends EventEmitter implements PgClient {
  readonly statements: string[] = [];
  /** Closed, not returned to the pool. */
  destroyed: boolean | undefined;
  isRegistered = true;
  /** Undefined to answer. */
  trouble: Promise<never> | undefined;

  async query(text: string): Promise<{ readonly rows: readonly object[] }> {
    this.statements.push(text);
    await this.trouble;
    if (text.startsWith("with before")) return { rows: [{ was_valid: this.isRegistered }] };
    return { rows: text.startsWith("select") ? [{ revision: String(FLOOR) }] : [] };
  }

  release(destroy?: Error | boolean): void {
    this.destroyed = destroy !== undefined && destroy !== false;
  }

  notify(payload: string | undefined): void {
    this.emit("notification", { payload });
  }
}

/** A watch of a store in memory, on connections that a test controls. */
function watching(connect?: () => Promise<PgClient>) {
  const clock = new SimulatedClock();
  const clients: FakeClient[] = [];
  const entries = new Map<StoreKey, Entry>();
  const changes: Change[] = [];
  const controller = new AbortController();
  let unreadable: Error | undefined;
  const pool = {
    connect: async () => {
      const client = new FakeClient();
      clients.push(client);
      return client;
    },
  };
  const keys = {
    connections: new Connections(connect === undefined ? pool : { connect }, clock, 5_000),
    schema: "latchkey",
    clock,
    get: async (key: StoreKey) => {
      if (unreadable !== undefined) throw unreadable;
      return entries.get(key);
    },
    list: async function* () {
      yield* entries.values();
    },
  };
  const ended = (async () => {
    for await (const change of watchKeys(keys, { workspaceId: "ws-1" }, controller.signal)) changes.push(change);
  })();
  ended.catch(() => {});
  return {
    clients,
    ended,
    pass: (ms: number) => clock.advanceAsync(ms),
    stored(at: typeof of, revision: number) {
      const entry: Entry = { key: at.storeKey, record: reservation(at), revision };
      entries.set(at.storeKey, entry);
      return entry;
    },
    spoil: (error: Error) => (unreadable = error),
    /** Returns the reported changes since the last call. */
    reported: async (): Promise<readonly Change[]> => {
      await clock.advanceAsync(0);
      return changes.splice(0);
    },
    async close() {
      controller.abort();
      await clock.advanceAsync(10_000);
      await ended;
      return clock.timers;
    },
  };
}

const notice = (type: "put" | "removed", { storeKey }: typeof of, revision: number) =>
  `${type} ${storeKey} ${revision}`;

describe("the watch of a PostgreSQL store", () => {
  it("reports a put with its record, and a removal", async () => {
    const watch = watching();
    await watch.pass(0);
    const [client] = watch.clients;
    const entry = watch.stored(of, 11);
    client?.notify(notice("put", of, 11));
    client?.notify(notice("removed", of, 12));
    expect(await watch.reported()).toEqual([
      { type: "put", entry },
      { type: "removed", key: of.storeKey, revision: 12 },
    ]);
    expect(await watch.close()).toBe(0);
    expect(client).toMatchObject({ destroyed: false });
    expect(client?.listenerCount("notification")).toBe(0);
  });

  it("reports no key outside the filter, no overtaken put, and nothing for another program's notification", async () => {
    const watch = watching();
    await watch.pass(0);
    const [client] = watch.clients;
    watch.stored(other, 11);
    watch.stored(of, 13);
    for (const payload of [notice("put", other, 11), notice("put", of, 12), "hello", undefined])
      client?.notify(payload);
    expect(await watch.reported()).toEqual([]);
    await watch.close();
  });

  it("reports what it missed if its registration ended before it was renewed", async () => {
    const watch = watching();
    await watch.pass(0);
    watch.stored(identity("old", { workspaceId: "ws-1" }), FLOOR);
    const entry = watch.stored(of, 11);
    await watch.pass(5_000);
    expect(await watch.reported()).toEqual([]);
    for (const client of watch.clients) client.isRegistered = false;
    await watch.pass(5_000);
    expect(await watch.reported()).toEqual([{ type: "put", entry }]);
    await watch.close();
  });

  it.each(["fails", "never answers"])("connects anew if a heartbeat %s, and reports what it missed", async (how) => {
    const watch = watching();
    await watch.pass(0);
    const [first] = watch.clients;
    const entry = watch.stored(of, 11);
    if (first !== undefined) {
      first.trouble = how === "fails" ? Promise.reject(new Error("reset")) : new Promise<never>(() => {});
      first.trouble.catch(() => {});
    }
    await watch.pass(16_000);
    expect(await watch.reported()).toEqual([{ type: "put", entry }]);
    expect(watch.clients).toHaveLength(2);
    expect(first).toMatchObject({ destroyed: true });
    await watch.close();
  });

  it("ends with the error if it cannot begin", async () => {
    const refused = watching(() => Promise.reject(new Error("refused")));
    await refused.pass(0);
    await expect(refused.ended).rejects.toBeInstanceOf(StoreUnavailableError);
    const client = new FakeClient();
    client.trouble = Promise.reject(new Error("no such channel"));
    client.trouble.catch(() => {});
    const broken = watching(async () => client);
    await broken.pass(0);
    await expect(broken.ended).rejects.toThrow("The watch lost its connection to PostgreSQL: no such channel");
    expect(client.destroyed).toBe(true);
  });

  it("ends with the error if it cannot connect again, after twelve attempts", async () => {
    let attempts = 0;
    const client = new FakeClient();
    const watch = watching(async () => {
      attempts += 1;
      if (attempts === 1) return client;
      throw new Error("refused");
    });
    await watch.pass(0);
    client.emit("error", new Error("reset"));
    await watch.pass(120_000);
    await expect(watch.ended).rejects.toThrow("PostgreSQL gave no connection: refused");
    expect(attempts).toBe(13);
  });

  it("ends at once for a record that cannot be read, since it would stay unreadable", async () => {
    const watch = watching();
    await watch.pass(0);
    watch.spoil(new RecordUnreadableError("The record is not JSON"));
    watch.clients[0]?.notify(notice("put", of, 11));
    await watch.pass(0);
    await expect(watch.ended).rejects.toBeInstanceOf(RecordUnreadableError);
    expect(watch.clients).toHaveLength(1);
  });
});
