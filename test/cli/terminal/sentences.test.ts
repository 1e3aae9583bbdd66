import { describe, expect, it } from "vitest";
import { linesAccount } from "../../../src/cli/run/lines-account.ts";
import { counted, emptyTally, endedWell, type Failure, type LineResult } from "../../../src/cli/run/results.ts";
import { streamAccount } from "../../../src/cli/run/stream-account.ts";
import {
  countedDelivery,
  type DeliveryResult,
  DeliveryResults,
  emptyStreamTally,
  streamEndedWell,
} from "../../../src/cli/run/stream-results.ts";
import {
  auditSentence,
  deliverySentence,
  failureSentence,
  lineSentence,
  messageOf,
  problemSentence,
  sentences,
} from "../../../src/cli/terminal/sentences.ts";
import { type Paint, printable } from "../../../src/cli/terminal/style.ts";
import { LatchkeyError } from "../../../src/errors.ts";
import { dedupKey, resolveIdentity } from "../../../src/model/identity.ts";
import type { Audit, MessageAudit } from "../../../src/nats/index.ts";

const reasonIn = (json: object): unknown => ("reason" in json ? json.reason : undefined);

const plain: Paint = (_, text) => text;

describe("what is wrong with a line", () => {
  it.each([
    [{ problem: "too-long", bytes: 33_554_433 }, "it is longer than a line may be (33,554,433 bytes)"],
    [{ problem: "not-utf-8" }, "it is not UTF-8"],
    [{ problem: "not-json" }, "it is not JSON"],
    [{ problem: "not-an-object" }, "it is not a JSON object"],
    [{ problem: "no-attribute", attribute: "source" }, "the CloudEvent has no `source`"],
    [{ problem: "no-delivery-id" }, "the GitHub delivery has no `x-github-delivery`"],
    [{ problem: "no-payload" }, "the GitHub delivery has no `body` or `payload`"],
    [{ problem: "not-base64" }, "the CloudEvent's `data_base64` is not base64"],
  ] as const)("%j", (problem, sentence) => {
    expect(problemSentence(problem)).toBe(sentence);
  });
});

describe("why an event was not dispatched", () => {
  it.each<readonly [Failure, string]>([
    [{ failure: "status", status: 503 }, "the endpoint answered 503"],
    [{ failure: "unreachable", code: "ECONNREFUSED" }, "the endpoint is out of reach (ECONNREFUSED)"],
    [{ failure: "unreachable", code: undefined }, "the endpoint is out of reach"],
    [{ failure: "not-started", code: "E2BIG" }, "the command could not be started (E2BIG)"],
    [{ failure: "exit", exitCode: 3 }, "the command ended with exit code 3"],
    [{ failure: "killed", by: "SIGKILL" }, "the command was killed by SIGKILL"],
    [{ failure: "timeout", timeoutMs: 1_500 }, "no answer within 1.5 s"],
    [{ failure: "timeout", timeoutMs: 30_000 }, "no answer within 30 s"],
    [{ failure: "aborted" }, "the dispatch was aborted, because its reservation was about to end"],
    [{ failure: "latchkey", code: "store-unavailable", message: "The store is away" }, "The store is away"],
  ])("%j", (failure, sentence) => {
    expect(failureSentence(failure)).toBe(sentence);
  });
});

const named = { line: 7, eventId: "e-1", type: "order.paid", key: dedupKey("run", "e-1") };
const LINES: ReadonlyArray<readonly [LineResult, string | undefined]> = [
  [{ ...named, outcome: "dispatched", commit: "confirmed", tries: 1 }, undefined],
  [{ ...named, outcome: "dispatched", commit: "adopted", tries: 2 }, undefined],
  [
    { ...named, outcome: "dispatched", commit: "superseded", tries: 1 },
    "line 7  superseded  order.paid e-1: dispatched, but another process had taken the event over: it may have run twice",
  ],
  [
    { ...named, outcome: "dispatched", commit: "unconfirmed", tries: 1 },
    "line 7  unconfirmed  order.paid e-1: dispatched, but the store did not confirm it: it may run again",
  ],
  [{ ...named, outcome: "duplicate" }, undefined],
  [
    { ...named, outcome: "failed", failure: { failure: "exit", exitCode: 1 }, tries: 1 },
    "line 7  failed  order.paid e-1: the command ended with exit code 1",
  ],
  [
    { ...named, outcome: "failed", failure: { failure: "exit", exitCode: 1 }, tries: 3 },
    "line 7  failed  order.paid e-1: the command ended with exit code 1 (3 tries)",
  ],
  [{ ...named, outcome: "left", tries: 0 }, "line 7  left  order.paid e-1: not begun"],
  [{ ...named, outcome: "left", tries: 1 }, "line 7  left  order.paid e-1: aborted while it was dispatched"],
  [{ outcome: "unreadable", line: 7, problem: { problem: "not-json" } }, "line 7  unreadable  it is not JSON"],
];

describe("a run over lines", () => {
  const account = linesAccount("http://localhost/hook", () => 0.426);

  it.each(LINES)("says of %j: %s", (result, sentence) => {
    expect(lineSentence(result, plain)).toBe(sentence);
  });

  it("adds it all up, and leaves nothing out", () => {
    const tally = LINES.map(([result]) => result).reduce(counted, emptyTally);
    expect(tally).toEqual({
      lines: 10,
      dispatched: 4,
      retried: 1,
      doubtful: 2,
      duplicates: 1,
      failed: 2,
      unreadable: 1,
      left: 2,
    });
    expect(account.summary(tally).map(({ label, number }) => [label, number])).toEqual([
      ["dispatched", 4],
      ["duplicates", 1],
      ["failed", 2],
      ["unreadable", 1],
      ["left", 2],
      ["doubtful", 2],
    ]);
    expect(account.progress(tally, 2_000)).toBe(
      "42 % · 10 lines · 4 dispatched · 1 duplicate · 2 failed · 1 unreadable · 5/s",
    );
    expect(account.headline(tally, 2_000)).toBe("10 lines to http://localhost/hook in 2.0 s (5/s)");
  });

  it("shows nothing but what there is", () => {
    const quiet = linesAccount("x", () => undefined);
    expect(quiet.progress(emptyTally, 0)).toBe("0 lines · 0 dispatched · 0 duplicates · 0/s");
    expect(quiet.summary(emptyTally)).toEqual([
      { label: "dispatched", number: 0 },
      { label: "duplicates", number: 0 },
    ]);
  });

  it("ended well if nothing failed, was unreadable, was left or is in doubt", () => {
    for (const [result] of LINES) {
      const isGood =
        result.outcome === "duplicate" ||
        (result.outcome === "dispatched" && (result.commit === "confirmed" || result.commit === "adopted"));
      expect(endedWell(counted(emptyTally, result))).toBe(isGood);
    }
  });

  it("gives scripts the reason in words, beside what it is made of", () => {
    expect(LINES.map(([result]) => result).map((result) => reasonIn(account.toJson(result)))).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      "the command ended with exit code 1",
      "the command ended with exit code 1",
      undefined,
      undefined,
      "it is not JSON",
    ]);
  });
});

const message = { sequence: 7, deliveries: 1, eventId: "e-1", key: dedupKey("run", "e-1") };
const DELIVERIES: ReadonlyArray<readonly [DeliveryResult, string | undefined]> = [
  [{ ...message, outcome: "dispatched", commit: "confirmed", attempt: 1 }, undefined],
  [{ ...message, outcome: "dispatched", commit: "adopted", attempt: 2 }, undefined],
  [
    { ...message, outcome: "dispatched", commit: "unconfirmed", attempt: 1 },
    "message 7  unconfirmed  e-1: dispatched, but the store did not confirm it: it may run again",
  ],
  [{ ...message, outcome: "duplicate" }, undefined],
  [{ ...message, outcome: "put-back", delayMs: 250, lost: false }, undefined],
  [
    { ...message, deliveries: 2, outcome: "put-back", delayMs: 2_000, lost: false, reason: "boom" },
    "message 7, delivery 2  put back  e-1: boom; again in 2.0 s",
  ],
  [
    { ...message, deliveries: 5, outcome: "put-back", delayMs: 0, lost: true },
    "message 7, delivery 5  lost  e-1: it was its last delivery (max_deliver)",
  ],
  [{ ...message, outcome: "dead-lettered", reason: "boom" }, "message 7  dead letter  e-1: boom"],
  [
    { sequence: 8, deliveries: 1, outcome: "dead-lettered", reason: "no identity" },
    "message 8  dead letter  without identity: no identity",
  ],
];

describe("a run over a stream", () => {
  it.each(DELIVERIES)("says of %j: %s", (result, sentence) => {
    expect(deliverySentence(result, plain)).toBe(sentence);
  });

  it("adds it all up, and leaves nothing out", () => {
    const tally = DELIVERIES.map(([result]) => result).reduce(countedDelivery, emptyStreamTally);
    expect(tally).toEqual({
      deliveries: 9,
      dispatched: 3,
      retried: 1,
      doubtful: 1,
      duplicates: 1,
      putBack: 3,
      deadLettered: 2,
      lost: 1,
    });
    const account = streamAccount("http://localhost/hook", true);
    expect(account.progress(tally, 3_000)).toBe(
      "9 deliveries · 3 dispatched · 1 duplicate · 3 put back · 2 dead letters · 3/s",
    );
    expect(account.progress(emptyStreamTally, 1)).toBe("0 deliveries · 0 dispatched · 0 duplicates · 0/s");
    expect(account.headline(tally, 12_000)).toBe("9 deliveries to http://localhost/hook in 12 s");
    expect(account.summary(tally)).toEqual([
      { label: "dispatched", number: 3, remark: "1 of them not at the first try" },
      { label: "duplicates", number: 1, remark: "not dispatched again" },
      { label: "put back", number: 3, remark: "they come again" },
      { label: "dead letters", number: 2 },
      { label: "lost", number: 1, remark: "of those put back: the consumer's max_deliver was reached" },
      { label: "doubtful", number: 1, remark: "of those dispatched: they may run twice" },
    ]);
  });

  it("ended well unless there are dead letters, or something was lost or is in doubt", () => {
    const good = DELIVERIES.map(([result]) => streamEndedWell(countedDelivery(emptyStreamTally, result)));
    expect(good).toEqual([true, true, false, true, true, true, false, false, false]);
  });
});

describe("what is audited of a delivery", () => {
  const fields = { stream: "S", consumer: "C", atMs: 0, subject: "s", sequence: 7, deliveries: 2 };
  const identity = resolveIdentity({ subscriptionId: "run", eventId: "e-1" });
  const audit = (detail: MessageAudit): Audit => ({ ...fields, identity, ...detail });
  const boom = new Error("boom");
  const failed = audit({ type: "trigger.dispatch.failed", attempt: 1, failures: 1, permanent: false, error: boom });

  it("is put together with why it went wrong, once", () => {
    const results = new DeliveryResults();
    const put = audit({ type: "trigger.nakked", delay: "backoff", delayMs: 1_000, lost: false });
    expect(results.take(failed)).toBeUndefined();
    expect(results.take(put)).toMatchObject({ outcome: "put-back", reason: "boom", eventId: "e-1", deliveries: 2 });
    expect(results.take(put)).not.toHaveProperty("reason");
    expect(results.take(audit({ type: "trigger.refused", error: "away" }))).toBeUndefined();
    expect(results.take(put)).toMatchObject({ reason: "away" });
  });

  it("gives a dead letter the dispatch's reason, else its own, else its kind", () => {
    const results = new DeliveryResults();
    const letter = { type: "trigger.dead-lettered", reason: "last-delivery" } as const;
    results.take(failed);
    expect(results.take(audit({ ...letter, error: new Error("its own") }))).toMatchObject({ reason: "boom" });
    expect(results.take(audit({ ...letter, error: new Error("its own") }))).toMatchObject({ reason: "its own" });
    expect(results.take(audit(letter))).toMatchObject({ outcome: "dead-lettered", reason: "last-delivery" });
  });

  it("is no result where it is about no delivery, or not about its end", () => {
    const results = new DeliveryResults();
    const consumer = { stream: "S", consumer: "C", atMs: 0 };
    const others: readonly Audit[] = [
      audit({ type: "trigger.ack.unconfirmed" }),
      audit({ type: "trigger.dead-letter.failed", reason: "max-deliver", error: boom }),
      { ...consumer, type: "trigger.pull.failed", error: boom },
    ];
    expect(others.map((other) => results.take(other))).toEqual([undefined, undefined, undefined]);
    expect(others.map(auditSentence)).toEqual([
      undefined,
      "Message 7 could not be stored as a dead letter, and comes back: boom",
      "No messages could be asked for, trying again: boom",
    ]);
  });
});

describe("what others wrote", () => {
  it("is shown on one line, without what steers a terminal, and not without end", () => {
    expect(printable("a\nb\u001b[2J\u202e")).toBe("a\\u{a}b\\u{1b}[2J\\u{202e}");
    expect(printable("x".repeat(101))).toBe(`${"x".repeat(100)}…`);
  });

  it("is told by what it says, whatever was thrown", () => {
    expect([messageOf(new Error("boom")), messageOf("boom"), messageOf(undefined)]).toEqual([
      "boom",
      "boom",
      "undefined",
    ]);
    const withoutStack = Object.assign(new LatchkeyError("closed", "boom"), { stack: undefined });
    expect(sentences.unexpected(withoutStack)).toBe("Unexpected error, please report it: boom");
    expect(sentences.unexpected("boom")).toBe("Unexpected error, please report it: boom");
    expect(sentences.unexpected(new Error("boom"))).toMatch(
      /^Unexpected error, please report it: Error: boom\n {4}at /,
    );
  });
});
