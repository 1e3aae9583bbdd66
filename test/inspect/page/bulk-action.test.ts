import { describe, expect, it } from "vitest";
import { type BulkProgress, runBulk, type StepResult } from "../../../src/inspect/page/state/bulk-action.ts";
import { clearMany, clearOne } from "../../../src/inspect/page/state/clear-action.ts";
import { dropAction, redriveAction } from "../../../src/inspect/page/state/letter-words.ts";
import type { LetterRow } from "../../../src/inspect/server/wire.ts";
import type { RedriveRefusal, RedriveResult } from "../../../src/model/dead-letter.ts";

const identityOf = (eventId: string) => ({ storeKey: eventId, workspaceId: "w", subscriptionId: "s", eventId });

const letterOf = (sequence: number): LetterRow => ({
  sequence,
  storedAtMs: 0,
  reason: "max-deliver",
  error: "boom",
  consumer: "billing",
  deliveries: 10,
  original: { subject: "orders", stream: "ORDERS", sequence, time: "" },
  bytes: 1,
  hasBody: true,
});

/** Runs the steps, and returns the progress after the last. */
async function progressOf(
  action: Parameters<typeof runBulk>[0],
  signal = new AbortController().signal,
): Promise<BulkProgress | undefined> {
  let last: BulkProgress | undefined;
  await runBulk(action, signal, (progress) => {
    last = progress;
  });
  return last;
}

const step = (result: StepResult) => async (): Promise<StepResult> => result;

describe("runBulk", () => {
  it("adds up what the steps did and names each reason once", async () => {
    const left = { ok: true, done: 0, left: 1, note: "It changed." } as const;
    const done = { ok: true, done: 3, left: 0, note: "unused" } as const;
    expect(await progressOf({ steps: [step(done), step(left), step(left)], atOnce: 2 })).toEqual({
      done: 3,
      left: 2,
      notes: ["It changed."],
      failure: "",
    });
  });

  it("runs several steps at a time and loses none of their results", async () => {
    let running = 0;
    let most = 0;
    const slow = async (): Promise<StepResult> => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return { ok: true, done: 1, left: 0, note: "" };
    };
    expect(await progressOf({ steps: Array.from({ length: 9 }, () => slow), atOnce: 3 })).toMatchObject({ done: 9 });
    expect(most).toBe(3);
  });

  it("ends with the first failure and keeps what was done before", async () => {
    const steps = [
      step({ ok: true, done: 1, left: 0, note: "" }),
      step({ ok: false, message: "The server cannot be reached" }),
      step({ ok: true, done: 1, left: 0, note: "" }),
    ];
    expect(await progressOf({ steps, atOnce: 1 })).toMatchObject({ done: 1, failure: "The server cannot be reached" });
  });

  it("starts no step after it was stopped", async () => {
    const stopping = new AbortController();
    const first = async (): Promise<StepResult> => {
      stopping.abort();
      return { ok: true, done: 1, left: 0, note: "" };
    };
    const steps = [first, () => Promise.reject(new Error("must not run"))];
    expect(await progressOf({ steps, atOnce: 1 }, stopping.signal)).toMatchObject({ done: 1 });
  });
});

describe("the actions on dead letters", () => {
  const refusals: readonly (readonly [RedriveRefusal, RegExp])[] = [
    [{ why: "dispatched", owner: "web-2", committedAtMs: 1 }, /web-2 has dispatched the event/],
    [{ why: "in-progress", owner: "web-2" }, /web-2 is dispatching the event/],
    [{ why: "unreadable-record", problem: "version 9" }, /no readable record: version 9/],
    [{ why: "no-body" }, /stored without its body/],
    [{ why: "no-headers" }, /headers were unreadable/],
    [{ why: "contended" }, /kept changing/],
  ];

  it.each(refusals)("explain why a letter stays: %j", async (refusal, words) => {
    const action = redriveAction([letterOf(1)], async () => ({ ok: true, value: { result: "left", ...refusal } }));
    const progress = await progressOf(action);
    expect(progress).toMatchObject({ done: 0, left: 1 });
    expect(progress?.notes.join()).toMatch(words);
  });

  it("count a letter that is gone as left, and every other as done", async () => {
    const results: readonly RedriveResult[] = [
      { result: "redriven", stream: "ORDERS", sequence: 9 },
      { result: "gone" },
    ];
    const action = redriveAction([letterOf(0), letterOf(1)], async (sequence) => {
      const value = results[sequence];
      return value === undefined ? { ok: false, message: "none" } : { ok: true, value };
    });
    expect(await progressOf(action)).toMatchObject({
      done: 1,
      left: 1,
      notes: [expect.stringMatching(/redriven or dropped/)],
    });
  });

  it("end with the server's refusal, and say what a drop loses", async () => {
    const action = dropAction([letterOf(1)], async () => ({ ok: false, message: "This inspector is read-only" }));
    expect(action.title).toBe("Drop 1 dead letter?");
    expect(action.consequences.join()).toMatch(/messages are lost.*cannot be undone/);
    expect(await progressOf(action)).toMatchObject({ failure: "This inspector is read-only" });
  });
});

/** Removes all keys, and notes them. */
const removal = (removed: string[] = [], changed = 0): Parameters<typeof clearMany>[2] => {
  return async (keys) => {
    removed.push(...keys.map(({ storeKey, revision }) => `${storeKey} ${revision}`));
    return { ok: true, value: { removed: keys.length - changed, changed } };
  };
};

describe("the clearing of many keys", () => {
  const key = (eventId: string, state: "reserved" | "committed") => ({
    identity: identityOf(eventId),
    state,
    revision: 1,
  });
  const keys = [key("evt-1", "committed"), key("evt-2", "reserved"), key("evt-3", "committed")];

  it("leaves reserved keys, and says so", async () => {
    const removed: string[] = [];
    const action = clearMany(keys, { withReserved: false, isFiltered: true }, removal(removed));
    expect(action).toMatchObject({ title: "Clear 2 keys?", verb: "Clear", size: 2 });
    expect(action.consequences.join()).toMatch(/1 reserved key stays/);
    expect(action.consequences.join()).not.toMatch(/No filter/);
    expect(await progressOf(action)).toMatchObject({ done: 2, left: 0 });
    expect(removed).toEqual(["evt-1 1", "evt-3 1"]);
  });

  it("clears reserved keys on request, and warns that their events run twice", async () => {
    const action = clearMany(keys, { withReserved: true, isFiltered: true }, removal([], 1));
    expect(action).toMatchObject({ title: "Clear 1 reserved key?", size: 1 });
    expect(action.consequences.join()).toMatch(/runs twice/);
    expect(await progressOf(action)).toMatchObject({ left: 1, notes: [expect.stringMatching(/changed since/)] });
  });

  it("warns if no filter is set, mentions no reserved key if there is none, and ends with a failure", async () => {
    const only = [key("evt-1", "committed")];
    const how = { withReserved: false, isFiltered: false };
    const action = clearMany(only, how, async () => ({ ok: false, message: "Store unavailable" }));
    expect(action.consequences[0]).toMatch(/No filter is set/);
    expect(action.consequences.join()).not.toMatch(/reserved/);
    expect(await progressOf(action)).toMatchObject({ failure: "Store unavailable" });
  });
});

describe("the clearing of one key", () => {
  const record = {
    state: "committed",
    owner: "web-1",
    attempt: 1,
    fence: 1,
    revision: 2,
    leaseMs: 30_000,
    atMs: 1_000,
    heldMs: 0,
    hasResult: false,
  } as const;

  it("forgets who dispatched the event, and shortens a very long id in the middle", async () => {
    const removed: string[] = [];
    const { title } = clearOne(identityOf(`a${"x".repeat(10_000)}z`), record, 61_000, removal());
    expect(title).toMatch(/^Clear ax+…x+z\?$/);
    expect(title.length).toBeLessThan(110);
    const action = clearOne(identityOf("evt-1"), record, 61_000, removal(removed));
    expect(action.consequences[0]).toBe("The store forgets that web-1 dispatched it 60 s ago.");
    expect(await progressOf(action)).toMatchObject({ done: 1 });
    expect(removed).toEqual(["evt-1 2"]);
  });

  it("names the holder of a reserved key, and warns that its event may run twice", () => {
    const { title, consequences } = clearOne(identityOf("evt-1"), { ...record, state: "reserved" }, 0, removal());
    expect(title).toBe("Clear evt-1, held by web-1?");
    expect(consequences.join()).toMatch(/runs twice.*If web-1 is gone/);
  });
});
