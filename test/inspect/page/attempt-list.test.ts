import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AttemptList,
  BY_LEASE,
  flightState,
  NO_FILTER,
  namesOf,
  type SortColumn,
} from "../../../src/inspect/page/state/attempt-list.ts";
import type { ShownAttempt } from "../../../src/inspect/server/wire.ts";
import { flight } from "./traced.ts";

const mapOf = (flights: readonly ShownAttempt[]): ReadonlyMap<string, ShownAttempt> =>
  new Map(flights.map((one) => [one.id, one]));
const eventsOf = (rows: readonly ShownAttempt[]): readonly string[] => rows.map(({ identity }) => identity.eventId);

describe("the list of what is in flight", () => {
  it("begins with the lease that ends first", () => {
    const flights = mapOf([flight(1, { leaseMs: 500 }), flight(2, { leaseMs: 100 }), flight(3, { leaseMs: 300 })]);
    expect(eventsOf(new AttemptList().rows(flights, 1, NO_FILTER, BY_LEASE))).toEqual(["evt-2", "evt-3", "evt-1"]);
  });

  it.each([
    ["event", ["evt-1", "evt-2"]],
    ["subscription", ["evt-1", "evt-2"]],
    ["owner", ["evt-2", "evt-1"]],
    ["attempt", ["evt-1", "evt-2"]],
    ["fence", ["evt-1", "evt-2"]],
    ["state", ["evt-2", "evt-1"]],
    ["began", ["evt-1", "evt-2"]],
  ] satisfies [SortColumn, string[]][])("is sorted by %s, one way and the other", (column, events) => {
    const flights = mapOf([flight(1, { owner: "b" }), flight(2, { owner: "a", attempt: 2, phase: "committing" })]);
    const list = new AttemptList();
    expect(eventsOf(list.rows(flights, 1, NO_FILTER, { column, isDown: false }))).toEqual(events);
    if (column === "subscription") return;
    expect(eventsOf(list.rows(flights, 1, NO_FILTER, { column, isDown: true }))).toEqual(events.toReversed());
  });

  it("is narrowed by parts of names, whatever their case, and by state", () => {
    const flights = mapOf([flight(1, { owner: "Worker-A" }), flight(2, { hold: "lost" })]);
    const rows = (filter: Partial<typeof NO_FILTER>): readonly string[] =>
      eventsOf(new AttemptList().rows(flights, 1, { ...NO_FILTER, ...filter }, BY_LEASE));
    expect(rows({ owner: "worker" })).toEqual(["evt-1"]);
    expect(rows({ event: "EVT-2" })).toEqual(["evt-2"]);
    expect(rows({ subscription: "other" })).toEqual([]);
    expect(rows({ workspace: "def", state: "lost" })).toEqual(["evt-2"]);
  });

  it("gives the same answer to the same question, and another one for other flights of the same version", () => {
    const list = new AttemptList();
    const flights = mapOf([flight(1)]);
    expect(list.rows(flights, 1, NO_FILTER, BY_LEASE)).toBe(list.rows(flights, 1, NO_FILTER, BY_LEASE));
    expect(eventsOf(list.rows(mapOf([flight(2)]), 1, NO_FILTER, BY_LEASE))).toEqual(["evt-2"]);
  });

  it("is right however the flights change between two questions", () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 5 }), (generations) => {
        const list = new AttemptList();
        generations.forEach((generation, version) => {
          const rows = list.rows(mapOf(generation.map((number) => flight(number))), version, NO_FILTER, BY_LEASE);
          expect(rows.map(({ fence }) => fence)).toEqual(generation.toSorted((one, other) => one - other));
        });
      }),
    );
  });
});

it("a flight without its key is lost or was never protected; with it, it is in its phase", () => {
  expect([
    flightState({ hold: "held", phase: "releasing" }),
    flightState({ hold: "lost", phase: "committing" }),
    flightState({ hold: "never", phase: "running" }),
  ]).toEqual(["releasing", "lost", "unprotected"]);
});

it("of many names to choose from the first are given, sorted", () => {
  const flights = Array.from({ length: 100 }, (_, index) =>
    flight(index, { owner: `w${String(99 - index).padStart(2, "0")}` }),
  );
  const names = namesOf(flights, ({ owner }) => owner);
  expect(names).toHaveLength(30);
  expect(names[0]).toBe("w70");
});
