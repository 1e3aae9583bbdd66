import { describe, expect, it } from "vitest";
import type { ClearFilter } from "../../src/deduplicator.ts";
import type { Identity } from "../../src/model/identity.ts";
import type { Entry } from "../../src/model/store.ts";
import { outage, slowAnswer } from "../support/faulty-store.ts";
import {
  calling,
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  pending,
  type Replica,
  resolved,
  SKEW_MS,
  unseen,
  world,
} from "../support/replicas.ts";

const events = {
  one: { subscriptionId: "sub-1", eventId: "one" },
  two: { subscriptionId: "sub-1", eventId: "two" },
  elsewhere: { subscriptionId: "sub-2", eventId: "one" },
  tenant: { workspaceId: "w", subscriptionId: "sub-1", eventId: "one" },
} as const satisfies Record<string, Identity>;

async function names(entries: AsyncIterable<Entry>): Promise<string[]> {
  const found: string[] = [];
  for await (const { record } of entries) {
    const name = Object.entries(events).find(
      ([, { subscriptionId, eventId, ...rest }]) =>
        record.subscriptionId === subscriptionId &&
        record.eventId === eventId &&
        record.workspaceId === ("workspaceId" in rest ? rest.workspaceId : "default"),
    );
    found.push(name?.[0] ?? "none");
  }
  return found.sort();
}

/** Commits `one` and `tenant`, and leaves `two` and `elsewhere` in dispatch. */
async function filled({ dedup }: Replica, pass: (ms: number) => Promise<void>): Promise<void> {
  await dedup.guard(events.one, () => {});
  await pass(1_000);
  await dedup.guard(events.tenant, () => {});
  await unseen(dedup.reserve(events.two));
  await unseen(dedup.reserve(events.elsewhere));
}

describe("peek", () => {
  it("returns what the store holds, and changes nothing", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    expect(await b.dedup.peek(event)).toBeUndefined();
    const reservation = await unseen(a.dedup.reserve(event));
    expect(await b.dedup.peek(event)).toEqual(await memory.get(resolved.storeKey));
    expect(await b.dedup.peek(event)).toMatchObject({
      revision: reservation.fence,
      record: { state: "reserved", owner: "a" },
    });
    await reservation.commit();
    expect(await b.dedup.peek(event)).toMatchObject({ record: { state: "committed" } });
    expect(b.steps).toEqual([]);
  });

  it("passes on store errors, and rejects an invalid identity", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    store.breakDown(outage);
    await expect(dedup.peek(event)).rejects.toMatchObject({ code: "store-unavailable" });
    await expect(dedup.peek({ subscriptionId: "", eventId: "x" })).rejects.toThrow(TypeError);
  });
});

describe("list", () => {
  it.each([
    ["all", {}, ["elsewhere", "one", "tenant", "two"]],
    ["a workspace", { workspaceId: "w" }, ["tenant"]],
    ["the default workspace", { workspaceId: "default" }, ["elsewhere", "one", "two"]],
    ["a subscription, in every workspace", { subscriptionId: "sub-1" }, ["one", "tenant", "two"]],
    ["a subscription of a workspace", { workspaceId: "default", subscriptionId: "sub-1" }, ["one", "two"]],
    ["an event, in every workspace", { subscriptionId: "sub-1", eventId: "one" }, ["one", "tenant"]],
    ["an event", events.tenant, ["tenant"]],
    ["nothing for an unknown workspace", { workspaceId: "nobody" }, []],
  ])("returns %s", async (_, filter, expected) => {
    const { pass, replica } = world();
    const a = replica("a");
    await filled(a, pass);
    expect(await names(a.dedup.list(filter))).toEqual(expected);
  });

  it("returns all entries without a filter", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    await filled(a, pass);
    expect(await names(a.dedup.list())).toHaveLength(4);
  });

  it("rejects an invalid filter, and a store that cannot list", async () => {
    const { memory, replica } = world();
    const { put, get } = memory;
    const { dedup } = replica("a");
    expect(() => dedup.list({ eventId: "one" })).toThrow(
      "Expected `subscriptionId` to be given together with `eventId`",
    );
    expect(() => dedup.list({ workspaceId: "" })).toThrow(TypeError);
    expect(() => replica("b", { store: { put, get } }).dedup.list()).toThrow(
      expect.objectContaining({ name: "LatchkeyError", code: "unsupported" }),
    );
  });
});

describe("clear", () => {
  it.each<[string, ClearFilter, string[]]>([
    ["all", {}, ["elsewhere", "one", "tenant", "two"]],
    ["a workspace", { workspaceId: "w" }, ["tenant"]],
    ["a subscription", { subscriptionId: "sub-1" }, ["one", "tenant", "two"]],
    ["an event of every workspace", { subscriptionId: "sub-1", eventId: "one" }, ["one", "tenant"]],
    ["an event", { ...events.one, workspaceId: "default" }, ["one"]],
    ["committed keys", { state: "committed" }, ["one", "tenant"]],
    ["keys in dispatch", { state: "reserved" }, ["elsewhere", "two"]],
    ["committed keys of a workspace", { workspaceId: "default", state: "committed" }, ["one"]],
    ["an event, if it is in dispatch", { ...events.one, workspaceId: "default", state: "reserved" }, []],
    ["nothing", { workspaceId: "nobody" }, []],
  ])("removes %s, and returns the number of removed keys", async (_, filter, removed) => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await filled(a, pass);
    expect(await b.dedup.clear(filter)).toBe(removed.length);
    const left = Object.keys(events).filter((name) => !removed.includes(name));
    expect(await names(b.dedup.list())).toEqual(left.sort());
  });

  it("removes keys that were committed before or after a time, and none in dispatch", async () => {
    const cleared = async (filter: (wallMs: number) => ClearFilter): Promise<string[]> => {
      const { clock, pass, replica } = world();
      const a = replica("a");
      const atMs = clock.wallMs();
      await filled(a, pass);
      await a.dedup.clear(filter(atMs));
      const left = await names(a.dedup.list());
      return Object.keys(events).filter((name) => !left.includes(name));
    };
    // `one` was committed at this time, `tenant` one second later.
    expect(await cleared((atMs) => ({ committedBefore: atMs }))).toEqual([]);
    expect(await cleared((atMs) => ({ committedBefore: atMs + 1 }))).toEqual(["one"]);
    expect(await cleared((atMs) => ({ committedBefore: atMs + 2_000 }))).toEqual(["one", "tenant"]);
    expect(await cleared((atMs) => ({ committedAfter: atMs }))).toEqual(["tenant"]);
    expect(await cleared((atMs) => ({ committedAfter: atMs - 1, committedBefore: atMs + 1 }))).toEqual(["one"]);
    expect(await cleared((atMs) => ({ committedAfter: atMs - 1, state: "reserved" }))).toEqual([]);
  });

  it("makes events unseen again on every replica", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    await duplicate(b.dedup.reserve(event));
    expect(await b.dedup.clear({ ...event, workspaceId: "default" })).toBe(1);
    expect(await b.dedup.clear({ ...event, workspaceId: "default" })).toBe(0);
    await commitEvent(a);
  });

  it("affects later calls even while an earlier call still waits for its answer", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    b.store.script("put", slowAnswer(clock, 3_000));
    const before = b.dedup.reserve(event);
    await pass(2_000);
    expect(await a.dedup.clear(event)).toBe(1);
    const after = b.dedup.reserve(event);
    await pass(1_000);
    await duplicate(before);
    await unseen(after);
  });

  it("leaves a key that changes during the clear, and does not count it", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    b.store.script("remove", async (apply) => {
      await reservation.commit();
      return apply();
    });
    expect(await b.dedup.clear({ state: "reserved" })).toBe(0);
    await duplicate(b.dedup.reserve(event));
  });

  it("leaves the key to the waiting replica", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, { onPending: "wait" });
    await pass(0);
    expect(await b.dedup.clear(event)).toBe(1);
    await pass(1_000);
    await unseen(waiting);
  });

  it("rejects an invalid filter before it removes anything", async () => {
    const { memory, replica } = world();
    const a = replica("a");
    await commitEvent(a);
    const clear = (...args: readonly unknown[]) => calling(a.dedup, "clear", ...args);
    await expect(clear()).rejects.toThrow("Expected `filter` to be an object");
    await expect(clear(null)).rejects.toThrow("Expected `filter` to be an object");
    await expect(clear("sub-1")).rejects.toThrow("Expected `filter` to be an object");
    await expect(clear({ state: "expired" })).rejects.toThrow("Expected `state` to be");
    await expect(clear({ committedBefore: "yesterday" })).rejects.toThrow("Expected `committedBefore` to be");
    await expect(clear({ committedBefore: null })).rejects.toThrow("Expected `committedBefore` to be");
    await expect(clear({ committedAfter: -1 })).rejects.toThrow(RangeError);
    await expect(clear({ eventId: "evt-1" })).rejects.toThrow("Expected `subscriptionId` to be given together with");
    await expect(clear({ workspaceId: 7 })).rejects.toThrow("Expected `workspaceId` to be");
    await expect(clear({ ...event, workspaceId: "" })).rejects.toThrow("Expected `workspaceId` to be");
    expect(memory.invalidation.epoch()).toBe(0);
    await duplicate(a.dedup.reserve(event));
  });

  it("needs a store that can remove, and one that can list for more than one event", async () => {
    const { memory, replica } = world();
    const { put, get, remove } = memory;
    const unremovable = replica("a", { store: { put, get } });
    const unlisted = replica("b", { store: { put, get, remove } });
    await commitEvent(unlisted);
    await expect(unremovable.dedup.clear({})).rejects.toMatchObject({ code: "unsupported" });
    await expect(unlisted.dedup.clear({ subscriptionId: "sub-1" })).rejects.toMatchObject({ code: "unsupported" });
    expect(await unlisted.dedup.clear({ ...event, workspaceId: "default" })).toBe(1);
  });

  it("passes on store errors", async () => {
    const { replica } = world();
    const a = replica("a");
    await commitEvent(a);
    a.store.breakDown(outage, ["remove"]);
    await expect(a.dedup.clear({})).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("F16 does not free the key of a crashed holder when it clears committed keys", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    expect(await b.dedup.clear({ state: "committed" })).toBe(0);
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });
});
