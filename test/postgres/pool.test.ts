import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { Connections, isLost, type PgClient } from "../../src/postgres/pool.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

class FakeClient extends EventEmitter implements PgClient {
  readonly #answer: () => Promise<never>;
  /** Undefined until the connection is given back. */
  isKept: boolean | undefined;

  constructor(answer: () => Promise<never>) {
    super();
    this.#answer = answer;
  }

  query(): Promise<never> {
    return this.#answer();
  }

  release(destroy?: Error | boolean): void {
    this.isKept = destroy === undefined;
  }
}

/** Runs a statement that fails, and returns what is thrown, and whether the pool keeps the connection. */
async function failed(error: unknown) {
  const client = new FakeClient(async () => {
    throw error;
  });
  const connections = new Connections({ connect: async () => client }, new SimulatedClock(), 1_000);
  const thrown: unknown = await connections.run("select 1").catch((reason: unknown) => reason);
  return { thrown, isKept: client.isKept };
}

const refused = (code: string): Error => Object.assign(new Error("the server's reason"), { code });

describe("a statement that fails", () => {
  it("is the driver's error if the server refused it, and its connection is kept", async () => {
    const error = refused("23505");
    expect(await failed(error)).toEqual({ thrown: error, isKept: true });
    expect(isLost(refused("40001"))).toBe(true);
    expect(isLost(error)).toBe(false);
  });

  it.each([
    ["the connection broke", new Error("read ECONNRESET")],
    ["the server shuts down", refused("57P01")],
    ["the driver threw no error", "closed"],
  ])("is in doubt if %s, and its connection is closed", async (_, error) => {
    const { thrown, isKept } = await failed(error);
    expect(thrown).toMatchObject({ code: "store-unavailable", ambiguous: true, cause: error });
    expect(isKept).toBe(false);
  });

  it("is not in doubt on a read-only server", async () => {
    const { thrown } = await failed(refused("25006"));
    expect(thrown).toMatchObject({ ambiguous: false, message: expect.stringContaining("connect to the primary") });
  });
});

describe("a pool that gives no connection", () => {
  it.each<[unknown, string]>([
    [new Error("password authentication failed"), "PostgreSQL gave no connection: password authentication failed"],
    [refused("28P01"), "PostgreSQL gave no connection: the server's reason: check the user and the password"],
    // Node's error for a host with several addresses has no message.
    [new AggregateError([new Error("ECONNREFUSED")]), "PostgreSQL gave no connection: ECONNREFUSED"],
    ["closed", "PostgreSQL gave no connection: closed"],
  ])("is unavailable, with the reason: %s", async (error, message) => {
    const connect = async (): Promise<never> => {
      throw error;
    };
    const connections = new Connections({ connect }, new SimulatedClock(), 1_000);
    await expect(connections.run("select 1")).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
      message,
    });
  });

  it("gets back a connection that came too late", async () => {
    const clock = new SimulatedClock();
    const client = new FakeClient(() => Promise.reject(new Error("unused")));
    let arrive: (client: PgClient) => void = () => {};
    const connect = () => new Promise<PgClient>((resolve) => (arrive = resolve));
    const running = new Connections({ connect }, clock, 1_000).run("select 1");
    running.catch(() => {});
    await clock.advanceAsync(1_000);
    await expect(running).rejects.toThrow("no connection within 1000 ms");
    arrive(client);
    await clock.advanceAsync(0);
    expect(client.isKept).toBe(true);
  });
});
