import { expect, it } from "vitest";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { connected } from "../../support/nats-bucket.ts";
import { startNats } from "../../support/nats-server.ts";
import { commit } from "../../support/store-contract-fixture.ts";

it("lists more keys than fit into a page, in the order of revisions", async () => {
  await using server = await startNats();
  await using connection = await connected(server);
  const store = await natsStore(connection, { bucket: "large" });
  const ids = Array.from({ length: 300 }, (_, index) => String(index));
  await Promise.all(
    ids.map((eventId) => {
      const of = resolveIdentity({ subscriptionId: "s", eventId });
      const record = { ...commit(of), result: "x".repeat(60_000) };
      return store.put(of.storeKey, record, { expected: 0, ttlMs: 60_000 });
    }),
  );
  const listed = await collected(store.list({}));
  const first = listed[0]?.revision ?? 0;
  expect(listed.map(({ revision }) => revision)).toEqual(ids.map((_, index) => first + index));
  expect(new Set(listed.map(({ record }) => record.eventId))).toEqual(new Set(ids));
});
