import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import { postgresStore } from "../../../src/postgres/index.ts";
import { type TestDatabase, testDatabase } from "../../support/postgres-database.ts";
import { run } from "../support/fake-io.ts";

describe("keys in PostgreSQL", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    const dedup = new Deduplicator({ store: await postgresStore(database.pool), owner: "web-1" });
    await dedup.guard({ subscriptionId: "billing", eventId: "done" }, () => {});
    await dedup.reserve({ subscriptionId: "billing", eventId: "running" });
    await dedup.guard({ subscriptionId: "mail", eventId: "done" }, () => {});
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it("are listed with their state, owner and times", async () => {
    const { exitCode, objects } = await run(["list", "--postgres", database.url, "--json"]);
    expect(exitCode).toBe(0);
    expect(objects()).toHaveLength(3);
    const reserved = await run(["list", "--postgres", database.url, "--state", "reserved", "--json"]);
    expect(reserved.objects()).toMatchObject([{ state: "reserved", eventId: "running", owner: "web-1" }]);
    const billing = await run(["list", "--postgres", database.url, "--subscription", "billing"]);
    expect(billing.err).toContain("2 keys");
  });

  it("are not found in a server that does not answer, or without tables", async () => {
    const absent = await run(["list", "--postgres", "postgres://127.0.0.1:1/none"]);
    expect([absent.exitCode, absent.err]).toEqual([2, expect.stringContaining("PostgreSQL gave no connection")]);
    const missing = await run(["list", "--postgres", database.url, "--schema", "elsewhere"]);
    expect([missing.exitCode, missing.err]).toEqual([2, expect.stringContaining("latchkey postgres schema")]);
  });
});
