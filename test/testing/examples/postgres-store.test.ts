import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, it } from "vitest";
import { storeContract } from "../../../src/testing/index.ts";
import { postgresStore, schemaOf } from "./postgres-store.ts";

describe("postgresStore fulfils the store contract", () => {
  let sql: PGlite;
  let tables = 0;
  beforeAll(async () => {
    sql = await PGlite.create();
  });
  afterAll(() => sql.close());

  const makeStore = async () => {
    tables += 1;
    const table = `dedup_${tables}`;
    await sql.exec(schemaOf(table));
    return postgresStore(sql, table);
  };
  // Most tests wait for a time to live, so they run concurrently.
  storeContract(it.concurrent, makeStore, { without: ["watch"] });
});
