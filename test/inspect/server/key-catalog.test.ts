import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../../src/errors.ts";
import {
  ALL_KEYS,
  formatKeyQuery,
  KEY_COLUMNS,
  KEY_STATES,
  KEYS_PER_PAGE,
  type KeyQuery,
  parseKeyQuery,
} from "../../../src/inspect/server/key-query.ts";
import type { KeyPage } from "../../../src/inspect/server/wire.ts";
import { isObject } from "../../../src/internal/is-object.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { world } from "../../support/replicas.ts";
import { type Inspected, inspected } from "./inspected.ts";

const anyQuery: fc.Arbitrary<KeyQuery> = fc.record({
  workspace: fc.string(),
  subscription: fc.string(),
  event: fc.string(),
  owner: fc.string(),
  error: fc.string(),
  state: fc.constantFrom("", ...KEY_STATES),
  sort: fc.constantFrom(...KEY_COLUMNS),
  isDown: fc.boolean(),
  page: fc.integer({ min: 1, max: 1_000_000 }),
});

describe("a query of keys", () => {
  it("is read from an address as it was written", () => {
    fc.assert(
      fc.property(anyQuery, (query) => {
        expect(parseKeyQuery(new URLSearchParams(formatKeyQuery(query)))).toEqual(query);
      }),
    );
    expect(formatKeyQuery(ALL_KEYS)).toBe("");
  });

  it("has defaults instead of invalid parameters", () => {
    expect(parseKeyQuery(new URLSearchParams("state=gone&sort=size&page=-1&order=x"))).toEqual(ALL_KEYS);
  });
});

async function query(its: Inspected, change: Partial<KeyQuery> = {}): Promise<KeyPage> {
  await its.world.pass(2_000);
  const response = await its.ask(`/api/keys?${formatKeyQuery({ ...ALL_KEYS, ...change })}`);
  const page: unknown = await response.json();
  if (!isKeyPage(page)) throw new Error("The response is not a page of keys");
  return page;
}

function isKeyPage(value: unknown): value is KeyPage {
  return isObject(value) && Array.isArray(value["rows"]);
}

const eventsOf = ({ rows }: KeyPage): readonly string[] => rows.map(({ identity }) => identity.eventId);

describe("the table of all keys", () => {
  it("contains reserved and committed keys of all workspaces, filtered and sorted", async () => {
    await using its = inspected();
    const { dedup } = its.world.replica("web-2");
    for (const [workspaceId, eventId] of [
      ["acme", "evt-1"],
      ["acme", "evt-3"],
      ["globex", "evt-2"],
    ] as const) {
      await dedup.guard({ workspaceId, subscriptionId: "sub-1", eventId }, () => {});
      await its.world.pass(10);
    }
    await dedup.reserve({ subscriptionId: "sub-2", eventId: "evt-4" });
    expect(eventsOf(await query(its))).toEqual(["evt-4", "evt-2", "evt-3", "evt-1"]);
    expect(eventsOf(await query(its, { sort: "event", isDown: false }))).toEqual(["evt-1", "evt-2", "evt-3", "evt-4"]);
    expect(eventsOf(await query(its, { workspace: "ACME", sort: "event" }))).toEqual(["evt-3", "evt-1"]);
    expect(eventsOf(await query(its, { state: "reserved" }))).toEqual(["evt-4"]);
    expect((await query(its, { event: "evt" })).groups).toEqual([
      {
        field: "subscription",
        names: [
          { name: "sub-1", count: 3 },
          { name: "sub-2", count: 1 },
        ],
      },
    ]);
    expect(await query(its, { owner: "web-3" })).toMatchObject({ rows: [], matching: 0, total: 4, unreadable: "" });
  });

  it("shows failed events with their errors on request, until the next attempt", async () => {
    await using its = inspected();
    const { dedup } = its.replica;
    const fails = (): Promise<never> => Promise.reject(new TypeError("card 4111 declined"));
    for (const eventId of ["evt-1", "evt-2"]) {
      await expect(dedup.guard({ subscriptionId: "sub-1", eventId }, fails, { attempt: 2 })).rejects.toThrow();
    }
    const failed = await query(its, { state: "failed", sort: "event", isDown: false });
    const error = "TypeError: card 4111 declined";
    expect(failed).toMatchObject({ total: 2, rows: [{ state: "failed", owner: "web-1", attempt: 2, error }, {}] });
    expect(eventsOf(failed)).toEqual(["evt-1", "evt-2"]);
    expect(eventsOf(await query(its, { state: "failed", error: "4111" }))).toHaveLength(2);
    expect(eventsOf(await query(its, { state: "failed", error: "timeout" }))).toEqual([]);
    expect(eventsOf(await query(its))).toEqual([]);
    expect(await (await its.ask("/api/keys/matching?state=failed")).json()).toEqual([]);
    await dedup.guard({ subscriptionId: "sub-1", eventId: "evt-1" }, () => {});
    expect(eventsOf(await query(its, { state: "failed" }))).toEqual(["evt-2"]);
  });

  it("shows the failed events that the store keeps, redacted, and opens them", async () => {
    const its = world();
    const ids = { workspaceId: "acme", subscriptionId: "sub-1", eventId: "evt-1" };
    const kept = { ...ids, owner: "web-9", attempt: 3, fence: 7, atMs: 1, error: "Error ECARD" };
    const { storeKey } = resolveIdentity(ids);
    const store = {
      ...its.memory,
      async *failures() {
        yield kept;
      },
      failure: async (key: string) => (key === storeKey ? kept : undefined),
    };
    const redact = (_: string, what: string): string => `some ${what}`;
    await using inspector = inspected({ store, redact }, its);
    const identity = {
      storeKey,
      workspaceId: "some workspace",
      subscriptionId: "some subscription",
      eventId: "some event",
    };
    expect(await (await inspector.ask("/api/events?text=event")).json()).toMatchObject({
      events: [{ state: "failed" }],
    });
    expect((await query(inspector, { state: "failed" })).rows).toEqual([
      { identity, state: "failed", owner: "web-9", attempt: 3, fence: 7, atMs: 1, revision: 0, error: "some cause" },
    ]);
    expect(await (await inspector.ask(`/api/event?storeKey=${storeKey}`)).json()).toEqual({
      identity,
      record: null,
      failure: { owner: "web-9", attempt: 3, atMs: 1, error: "some cause" },
      trace: [],
    });
  });

  it("has pages that contain every key exactly once", async () => {
    await using its = inspected();
    const { dedup } = its.world.replica("web-2");
    const many = 2 * KEYS_PER_PAGE + 50;
    for (let number = 0; number < many; number += 1) {
      await dedup.guard({ subscriptionId: "sub-1", eventId: `evt-${number}` }, () => {});
    }
    const pages = [await query(its), await query(its, { page: 2 }), await query(its, { page: 3 })];
    expect(pages.map(({ rows }) => rows.length)).toEqual([KEYS_PER_PAGE, KEYS_PER_PAGE, 50]);
    expect(new Set(pages.flatMap(eventsOf)).size).toBe(many);
    expect((await query(its, { page: 4 })).rows).toEqual([]);
  });

  it("reports that it cannot list while the store is unavailable", async () => {
    const its = world();
    const list = (): never => {
      throw new StoreUnavailableError("The store is away", { ambiguous: false });
    };
    await using inspector = inspected({ store: { ...its.memory, list } }, its);
    expect((await inspector.ask("/api/keys")).status).toBe(503);
  });
});
