import { describe, expect, it } from "vitest";
import type { History, SeenLine } from "../../../src/history/history.ts";
import { traceOfHistory } from "../../../src/inspect/trace/history-reader.ts";
import { resolved } from "../../support/replicas.ts";
import { commit } from "../../support/store-contract-fixture.ts";

const header = { type: "history", version: 1, clock: "simulated" } as const;
const key = resolved.storeKey;
const event = "evt-1";

const linesOf = (history: History): readonly string[] =>
  traceOfHistory(history).trace.map(({ type, replica, atMs, cause, fence, identity }) =>
    [atMs, type, replica, identity.eventId, cause, fence === 0 ? "" : `fence ${fence}`].filter(String).join(" "),
  );

describe("the trace of a recorded run", () => {
  it("follows from the store's records and the handlers' effects", () => {
    const committed = { ...commit(resolved), owner: "a", token: "t", fence: 1, atMs: 3 };
    const reserved = { ...committed, state: "reserved", fence: 0, atMs: 1 } as const;
    expect(
      linesOf([
        header,
        { type: "delivered", process: "a", atMs: 0, event, delivery: 1 },
        { type: "invoke", process: "a", atMs: 0, op: 1, operation: "reserve", key, event, leaseMs: 1_000 },
        { type: "store.held", process: "store", atMs: 1, key, revision: 1, record: reserved },
        { type: "ok", process: "a", atMs: 1, op: 1, revision: 1 },
        { type: "effect.began", process: "a", atMs: 1, event, effect: 1, name: "mail", fence: 1, hasSignal: true },
        { type: "effect.checked", process: "a", atMs: 2, event, effect: 1, turnMs: 2 },
        { type: "fault", process: "nemesis", atMs: 2, fault: "slow" },
        { type: "effect.aborted", process: "a", atMs: 2, event, effect: 1 },
        { type: "effect.ended", process: "a", atMs: 3, event, effect: 1, failed: false },
        { type: "store.held", process: "store", atMs: 3, key, revision: 2, record: committed },
        { type: "store.removed", process: "store", atMs: 4, key, revision: 3 },
        { type: "store.held", process: "store", atMs: 4, key: "other", revision: 4, value: 1 },
        { type: "store.removed", process: "store", atMs: 4, key, revision: 3 },
        { type: "answered", process: "a", atMs: 5, event, delivery: 1, answer: "acknowledged", because: "dispatched" },
        { type: "settled", process: "broker", atMs: 6 },
      ]),
    ).toEqual([
      "0 delivered a evt-1",
      "1 reserved a evt-1 fence 1",
      "1 began a evt-1 mail fence 1",
      "2 fault nemesis evt-1 slow",
      "2 expired a evt-1 aborted",
      "3 dispatched a evt-1 fence 1",
      "3 committed a evt-1 confirmed fence 1",
      "4 cleared a evt-1 fence 1",
      "5 acknowledged a evt-1",
    ]);
  });

  it("follows from the store's answers if its records were not recorded", () => {
    const line = { process: "a", atMs: 1 } as const;
    expect(
      linesOf([
        header,
        { type: "invoke", ...line, op: 1, operation: "reserve", key, event, fence: 0, leaseMs: 1_000 },
        { type: "ok", ...line, op: 1, revision: 7 },
        { type: "invoke", ...line, op: 2, operation: "commit", key, event, fence: 7 },
        { type: "unknown", ...line, op: 2, because: "timeout" },
        { type: "invoke", ...line, op: 3, operation: "release", key, fence: 7 },
        { type: "fail", ...line, op: 3, because: "refused" },
        { type: "fail", ...line, op: 3, because: "conflict" },
        { type: "fail", ...line, op: 9, because: "refused" },
        { type: "ok", ...line, op: 9 },
        { type: "invoke", ...line, op: 4, operation: "read", key },
        { type: "ok", ...line, op: 4 },
        { type: "invoke", ...line, op: 5, operation: "clear", key: "unknown" },
        { type: "ok", ...line, op: 5 },
        { type: "effect.ended", ...line, event: "evt-2", effect: 1, failed: true },
      ]),
    ).toEqual([
      "1 reserved a evt-1 fence 7",
      "1 store-unavailable a evt-1 commit: timeout",
      "1 store-unavailable a evt-1 release: refused",
      "1 cleared a unknown",
      "1 failed a evt-2",
    ]);
  });

  it("has an event for everything that a frozen or dead process had received, in the order of time", () => {
    const a = (atMs: number) => ({ process: "a", atMs });
    const answers: readonly SeenLine[] = [
      { type: "answered", ...a(5), event, delivery: 1, answer: "nak", because: "pending", afterMs: 9 },
      { type: "answered", ...a(6), event, delivery: 2, answer: "nak", because: "failed", afterMs: 9, error: "no" },
      { type: "answered", ...a(7), event, delivery: 3, answer: "nak", because: "failed", afterMs: 9, code: "c" },
      { type: "answered", ...a(8), event, delivery: 4, answer: "acknowledged", because: "duplicate" },
      {
        type: "answered",
        ...a(9),
        event,
        delivery: 5,
        answer: "acknowledged",
        because: "returned",
        commit: "superseded",
      },
    ];
    expect(
      linesOf([
        header,
        ...answers,
        header,
        { type: "delivered", ...a(1), event: "evt-2", delivery: 1 },
        { type: "delivered", ...a(1), event: "evt-3", delivery: 1 },
        { type: "frozen", ...a(2) },
        { type: "died", ...a(3) },
        { type: "died", ...a(4) },
      ]),
    ).toEqual([
      "1 delivered a evt-2",
      "1 delivered a evt-3",
      ...["evt-2", "evt-3"].map((id) => `2 frozen a ${id}`),
      ...["evt-2", "evt-3"].map((id) => `3 crashed a ${id}`),
      "5 pending a evt-1",
      "6 nak a evt-1 no",
      "7 nak a evt-1 c",
      "8 duplicate a evt-1",
      "9 superseded a evt-1 superseded",
    ]);
  });
});
