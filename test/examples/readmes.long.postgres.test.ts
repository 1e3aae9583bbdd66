import { describe, it } from "vitest";
import { startPostgres } from "../support/postgres-server.ts";
import { NEED_POSTGRES } from "./needs.ts";
import { followReadme } from "./readme-run.ts";

describe.concurrent("the README of an example that needs PostgreSQL", () => {
  it.for(NEED_POSTGRES)("works word for word: %s", async (name, { expect }) => {
    await using server = await startPostgres();
    const { printed, documented } = await followReadme(name, { DATABASE_URL: server.url });
    expect(documented.join("")).not.toBe("");
    expect(printed).toEqual(documented);
  });
});
