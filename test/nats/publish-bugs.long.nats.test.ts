import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Nats from "../../src/nats/index.ts";
import { publishOnce } from "../../src/nats/index.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { copyWithBug, removePlantedCopies } from "../support/planted-bugs.ts";
import { publishBugs } from "./publish-bugs.ts";
import { brokenPromises } from "./publish-promises.ts";

let server: NatsServer;
let nc: NatsConnection;
beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
});
afterAll(async () => {
  removePlantedCopies();
  await nc.close();
  await server.stop();
});

describe("G12 the promises of publishOnce", () => {
  it("are kept by the package", async () => {
    expect(await brokenPromises(publishOnce, nc)).toEqual([]);
  });

  it.each(publishBugs)("are broken by $name", async (bug) => {
    const planted: typeof Nats = await import(/* @vite-ignore */ join(copyWithBug(bug), "src", "nats", "index.ts"));
    expect(await brokenPromises(planted.publishOnce, nc)).toContain(bug.foundBy);
  });
});
