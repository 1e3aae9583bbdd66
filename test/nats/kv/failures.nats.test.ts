import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import type { Change } from "../../../src/model/store.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { manager } from "../../support/nats-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

const event = { subscriptionId: "billing", eventId: "evt-1" };
const { storeKey } = resolveIdentity(event);
const fails = (): Promise<never> => Promise.reject(Object.assign(new Error("card 4111 declined"), { code: "ECARD" }));

describe("a failed dispatch", () => {
  it("is kept in the key's tombstone for an hour, and the key is dispatched again at once", async () => {
    const store = await natsStore(nats.connection, { bucket: "failures", storage: "memory" });
    await using dedup = new Deduplicator({ store, owner: "web-1" });
    await expect(dedup.guard(event, fails, { attempt: 3 })).rejects.toThrow("declined");
    const failure = { ...event, workspaceId: "default", owner: "web-1", attempt: 3, error: "Error ECARD" };
    expect(await store.failure(storeKey)).toMatchObject(failure);
    expect(await collected(store.failures({ subscriptionId: "billing" }))).toMatchObject([failure]);
    expect(await collected(store.failures({ subscriptionId: "mail" }))).toEqual([]);
    const message = await (await manager(nats.connection)).streams.getMessage("KV_failures", {
      last_by_subj: `$KV.failures.${storeKey}`,
    });
    expect(message?.header.get("KV-Operation")).toBe("DEL");
    expect(message?.header.get("Nats-TTL")).toBe("3600s");
    expect(await store.get(storeKey)).toBeUndefined();
    expect(await dedup.guard(event, () => "done")).toMatchObject({ outcome: "dispatched", value: "done" });
    expect(await store.failure(storeKey)).toBeUndefined();
    expect(await collected(store.failures({}))).toEqual([]);
  });

  it("has its message only if the deduplicator keeps messages", async () => {
    const store = await natsStore(nats.connection, { bucket: "messages", storage: "memory" });
    await using dedup = new Deduplicator({ store, keepErrorMessages: true });
    await expect(dedup.guard(event, fails)).rejects.toThrow("declined");
    expect(await store.failure(storeKey)).toMatchObject({ error: "Error ECARD: card 4111 declined" });
  });

  it("reaches a watcher, and leaves no note after a release without an error", async () => {
    const store = await natsStore(nats.connection, { bucket: "watched", storage: "memory" });
    await using dedup = new Deduplicator({ store, owner: "web-1" });
    const watching = new AbortController();
    const changes: Change[] = [];
    const watched = (async () => {
      for await (const change of store.watch({}, watching.signal)) changes.push(change);
    })();
    const removals = (): readonly Change[] => changes.filter(({ type }) => type === "removed");
    await eventually("the removal is watched", async () => {
      await expect(dedup.guard(event, fails)).rejects.toThrow("declined");
      return removals().length > 0;
    });
    expect(removals().at(-1)).toMatchObject({ failure: { owner: "web-1", error: "Error ECARD" } });
    const reserved = await dedup.reserve(event);
    if (reserved.decision === "unseen") await reserved.release();
    expect(await store.failure(storeKey)).toBeUndefined();
    watching.abort();
    await watched;
  });
});
