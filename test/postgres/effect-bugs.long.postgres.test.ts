import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Core from "../../src/index.ts";
import * as core from "../../src/index.ts";
import type * as Postgres from "../../src/postgres/index.ts";
import * as postgres from "../../src/postgres/index.ts";
import { copyWithBug, removePlantedCopies } from "../support/planted-bugs.ts";
import { type TestDatabase, testDatabase } from "../support/postgres-database.ts";
import { effectBugs } from "./effect-bugs.ts";
import { brokenPromises, type EffectPackage } from "./effect-promises.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  removePlantedCopies();
  await database[Symbol.asyncDispose]();
});

const broken = (tested: EffectPackage) => brokenPromises(tested, database.pool);

describe("G11 the promises of effectOnce", () => {
  it("are kept by the package", async () => {
    expect(await broken({ core, postgres })).toEqual([]);
  });

  it.each(effectBugs)("are broken by $name", async (bug) => {
    const place = join(copyWithBug(bug), "src");
    const planted: { readonly core: typeof Core; readonly postgres: typeof Postgres } = {
      core: await import(/* @vite-ignore */ join(place, "index.ts")),
      postgres: await import(/* @vite-ignore */ join(place, "postgres", "index.ts")),
    };
    expect(await broken(planted)).toContain(bug.foundBy);
  });
});
