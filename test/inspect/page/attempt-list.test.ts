import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AttemptList,
  attemptState,
  BY_LEASE,
  NO_FILTER,
  namesOf,
  type SortColumn,
} from "../../../src/inspect/page/state/attempt-list.ts";
import type { ShownAttempt } from "../../../src/inspect/server/wire.ts";
import { attempt } from "./samples.ts";

const mapOf = (attempts: readonly ShownAttempt[]): ReadonlyMap<string, ShownAttempt> =>
  new Map(attempts.map((one) => [one.id, one]));
const eventsOf = (rows: readonly ShownAttempt[]): readonly string[] => rows.map(({ identity }) => identity.eventId);

describe("the list of attempts in flight", () => {
  it("starts with the lease that ends first", () => {
    const attempts = mapOf([attempt(1, { leaseMs: 500 }), attempt(2, { leaseMs: 100 }), attempt(3, { leaseMs: 300 })]);
    expect(eventsOf(new AttemptList().rows(attempts, 1, NO_FILTER, BY_LEASE))).toEqual(["evt-2", "evt-3", "evt-1"]);
  });

  it.each([
    ["event", ["evt-1", "evt-2"]],
    ["subscription", ["evt-1", "evt-2"]],
    ["owner", ["evt-2", "evt-1"]],
    ["attempt", ["evt-1", "evt-2"]],
    ["fence", ["evt-1", "evt-2"]],
    ["state", ["evt-2", "evt-1"]],
    ["began", ["evt-1", "evt-2"]],
  ] satisfies [SortColumn, string[]][])("is sorted by %s in both directions", (column, events) => {
    const attempts = mapOf([attempt(1, { owner: "b" }), attempt(2, { owner: "a", attempt: 2, phase: "committing" })]);
    const list = new AttemptList();
    expect(eventsOf(list.rows(attempts, 1, NO_FILTER, { column, isDown: false }))).toEqual(events);
    if (column === "subscription") return;
    expect(eventsOf(list.rows(attempts, 1, NO_FILTER, { column, isDown: true }))).toEqual(events.toReversed());
  });

  it("is filtered by parts of names in any case, and by state", () => {
    const attempts = mapOf([attempt(1, { owner: "Worker-A" }), attempt(2, { hold: "lost" })]);
    const rows = (filter: Partial<typeof NO_FILTER>): readonly string[] =>
      eventsOf(new AttemptList().rows(attempts, 1, { ...NO_FILTER, ...filter }, BY_LEASE));
    expect(rows({ owner: "worker" })).toEqual(["evt-1"]);
    expect(rows({ event: "EVT-2" })).toEqual(["evt-2"]);
    expect(rows({ subscription: "other" })).toEqual([]);
    expect(rows({ workspace: "def", state: "lost" })).toEqual(["evt-2"]);
  });

  it("reuses its result for the same query, but not for another map of the same version", () => {
    const list = new AttemptList();
    const attempts = mapOf([attempt(1)]);
    expect(list.rows(attempts, 1, NO_FILTER, BY_LEASE)).toBe(list.rows(attempts, 1, NO_FILTER, BY_LEASE));
    expect(eventsOf(list.rows(mapOf([attempt(2)]), 1, NO_FILTER, BY_LEASE))).toEqual(["evt-2"]);
  });

  it("is correct however the attempts change between two queries", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 5 }), (generations) => {
        const list = new AttemptList();
        generations.forEach((generation, version) => {
          const rows = list.rows(mapOf(generation.map((number) => attempt(number))), version, NO_FILTER, BY_LEASE);
          expect(rows.map(({ fence }) => fence)).toEqual(generation.toSorted((one, other) => one - other));
        });
      }),
    );
  });
});

it("an attempt is lost or unprotected without its key, and otherwise in its phase", () => {
  expect([
    attemptState({ hold: "held", phase: "releasing" }),
    attemptState({ hold: "lost", phase: "committing" }),
    attemptState({ hold: "never", phase: "running" }),
  ]).toEqual(["releasing", "lost", "unprotected"]);
});

it("a filter suggests the first names, sorted", () => {
  const attempts = Array.from({ length: 100 }, (_, index) =>
    attempt(index, { owner: `w${String(99 - index).padStart(2, "0")}` }),
  );
  const names = namesOf(attempts, ({ owner }) => owner);
  expect(names).toHaveLength(30);
  expect(names[0]).toBe("w70");
});
