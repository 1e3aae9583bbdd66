import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { History, HistoryLine } from "../../src/history/history.ts";
import { formatHistory, parseHistory } from "../../src/history/history-text.ts";
import * as latchkey from "../../src/index.ts";
import { simulate } from "../../src/testing/sim/simulate.ts";
import { allFaults, anySchedule, worldWith } from "../support/faulty-world.ts";
import { latchkeyService } from "../support/latchkey-service.ts";

const header: HistoryLine = { type: "history", version: 1, clock: "test" };
const ms = { atMs: 1.5, process: "R1" };
const record = {
  v: 1,
  state: "reserved",
  workspaceId: "default",
  subscriptionId: "sub",
  eventId: "E1",
  owner: "R1",
  token: "T1",
  attempt: 1,
  fence: 0,
  leaseMs: 1_000,
  atMs: 0,
} as const;

/** One line of each kind. */
const all: History = [
  header,
  { ...ms, type: "delivered", event: "E1", delivery: 1 },
  {
    ...ms,
    type: "answered",
    event: "E1",
    delivery: 1,
    answer: "acknowledged",
    because: "dispatched",
    commit: "adopted",
  },
  { ...ms, type: "answered", event: "E1", delivery: 1, answer: "nak", because: "pending", afterMs: 0.5 },
  { ...ms, type: "invoke", op: 1, operation: "reserve", key: "k", event: "E1", token: "T1", expected: 0, ttlMs: 1 },
  { ...ms, type: "invoke", op: 2, operation: "put", key: "k", value: { any: ["thing", null] } },
  { ...ms, type: "ok", op: 1, revision: 1 },
  { ...ms, type: "fail", op: 1, because: "conflict" },
  { ...ms, type: "unknown", op: 1, because: "no answer" },
  { ...ms, type: "effect.began", event: "E1", effect: 1, name: "charge", fence: 0, hasSignal: true },
  { ...ms, type: "effect.aborted", event: "E1", effect: 1 },
  { ...ms, type: "effect.ended", event: "E1", effect: 1, failed: false },
  { ...ms, type: "store.held", key: "k", revision: 1, record },
  { ...ms, type: "store.held", key: "k", revision: 2, value: null },
  { ...ms, type: "store.removed", key: "k", revision: 3 },
  { ...ms, type: "fault", fault: "partition" },
  { ...ms, type: "frozen" },
  { ...ms, type: "died" },
  { ...ms, type: "settled" },
  { ...ms, type: "settled", unacknowledged: ["E1"] },
];

describe("a history as NDJSON", () => {
  it("is unchanged after a write and a read, for every kind of line", () => {
    expect(parseHistory(formatHistory(all))).toEqual(all);
    expect(formatHistory(all).split("\n")).toHaveLength(all.length + 1);
  });

  it("is unchanged after a write and a read, for any simulation", async () => {
    const world = worldWith(latchkeyService(latchkey), allFaults);
    await fc.assert(
      fc.asyncProperty(anySchedule, async (schedule) => {
        const { history } = await simulate(world, schedule);
        expect(parseHistory(formatHistory(history))).toEqual(history);
      }),
      { numRuns: 50 },
    );
  });

  it("may contain several histories in a row", () => {
    expect(parseHistory(formatHistory(all) + formatHistory(all))).toEqual([...all, ...all]);
  });

  const wrong: ReadonlyArray<readonly [why: string, line: object | string, message: string]> = [
    ["is empty", "", "It is empty"],
    ["is not JSON", "{", "It is not JSON"],
    ["is no object", "[1]", "Expected `line` to be an object, got `…` (array)"],
    ["has an unknown type", { ...ms, type: "renamed" }, 'Expected `type` to be "history" or "delivered" or'],
    [
      "has no process",
      { type: "died", atMs: 0 },
      "Expected `process` to be a string that is not empty, got `undefined`",
    ],
    ["has no time", { type: "died", process: "R1" }, "Expected `atMs` to be a finite number"],
    ["is of another version", { ...header, version: 2 }, "Expected `version` to be 1, got `2` (number)"],
    [
      "has an invalid number",
      { ...ms, type: "ok", op: 1, revision: -1 },
      "Expected `revision` to be a whole number of at least 0, or missing, got `-1` (number)",
    ],
    [
      "has an invalid choice",
      { ...ms, type: "fail", op: 1, because: "luck" },
      'Expected `because` to be "conflict" or "refused", got `luck` (string)',
    ],
    [
      "has the reason of another answer",
      { ...ms, type: "answered", event: "E", delivery: 1, answer: "acknowledged", because: "pending" },
      'Expected `because` to be "dispatched" or "duplicate" or "returned", got `pending` (string)',
    ],
    [
      "has an unreadable record",
      { ...ms, type: "store.held", key: "k", revision: 1, record: { v: 2 } },
      "The record of k has version 2",
    ],
    [
      "has neither a record nor a value",
      { ...ms, type: "store.held", key: "k", revision: 1 },
      "Expected `record` to be there, or a `value`, got `undefined` (undefined)",
    ],
  ];

  it.each(wrong)("is rejected when a line %s, with the line number and the reason", (_, line, message) => {
    const text = typeof line === "string" ? line : JSON.stringify(line);
    const read = (): History => parseHistory(`${formatHistory([header])}${text}\n${formatHistory([header])}`);
    expect(read).toThrow(TypeError);
    expect(read).toThrow(`Line 2 of the history: ${message}`);
  });

  it("is rejected without its header", () => {
    expect(() => parseHistory(formatHistory(all.slice(1)))).toThrow(
      'Line 1 of the history: Expected `type` to be "history"',
    );
    expect(() => parseHistory("")).toThrow("Line 1 of the history: It is empty");
  });
});
