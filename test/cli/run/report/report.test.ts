import { describe, expect, it } from "vitest";
import { problemText } from "../../../../src/cli/run/event/event-problem.ts";
import { type EventFailure, failureText } from "../../../../src/cli/run/failure.ts";
import {
  addDelivery,
  type DeliveryResult,
  DeliveryResults,
  emptyStreamTally,
  streamSucceeded,
} from "../../../../src/cli/run/report/delivery-results.ts";
import { addLine, emptyTally, type LineResult, linesSucceeded } from "../../../../src/cli/run/report/line-results.ts";
import { linesReport, lineText } from "../../../../src/cli/run/report/lines-report.ts";
import { auditText, deliveryText, streamReport } from "../../../../src/cli/run/report/stream-report.ts";
import type { Paint } from "../../../../src/cli/terminal/paint.ts";
import { printable } from "../../../../src/cli/terminal/printable.ts";
import { unexpectedError } from "../../../../src/cli/terminal/unexpected-error.ts";
import { LatchkeyError } from "../../../../src/errors.ts";
import { errorMessage } from "../../../../src/internal/error-message.ts";
import { dedupKey, resolveIdentity } from "../../../../src/model/identity.ts";
import type { Audit, MessageAudit } from "../../../../src/nats/index.ts";

const reasonIn = (json: object): unknown => ("reason" in json ? json.reason : undefined);

const plain: Paint = (_, text) => text;

describe("the text of an event problem", () => {
  it.each([
    [{ problem: "too-long", bytes: 33_554_433 }, "the line has 33,554,433 bytes, and the maximum is 33,554,432"],
    [{ problem: "not-utf-8" }, "not UTF-8, which JSON must be"],
    [{ problem: "not-json" }, "not JSON: expected one JSON object"],
    [{ problem: "not-an-object", found: "a number" }, "a number, not a JSON object"],
    [{ problem: "invalid-attribute", attribute: "source", found: "nothing" }, "the CloudEvent has no `source`"],
    [
      { problem: "invalid-attribute", attribute: "id", found: "a number" },
      "the CloudEvent's `id` is a number, not a non-empty string: JSON parsers round large numbers",
    ],
    [
      { problem: "batch", of: "CloudEvents", separateWith: "jq -c '.[]'" },
      "a batch of CloudEvents: write one per line with jq -c '.[]'",
    ],
    [
      { problem: "unknown-sender" },
      "no identity: a recorded request without the headers of a known sender; give --id <header or JSON pointer>",
    ],
    [
      { problem: "no-id", of: "a GitHub delivery", why: "the header `x-github-delivery` is missing" },
      "no identity: the header `x-github-delivery` is missing (a GitHub delivery)",
    ],
    [
      { problem: "no-payload", of: "recorded request", found: "null" },
      "the recorded request has no payload: its `body` is null",
    ],
    [{ problem: "not-base64", member: "data_base64" }, "`data_base64` is not base64"],
  ] as const)("explains %j", (problem, sentence) => {
    expect(problemText(problem)).toBe(sentence);
  });
});

describe("the text of a failure", () => {
  it.each<readonly [EventFailure, string]>([
    [{ failure: "status", status: 503 }, "the endpoint answered 503"],
    [
      { failure: "status", status: 308 },
      "the endpoint answered 308; it redirects, which is not followed: give the new address to --to",
    ],
    [{ failure: "status", status: 404 }, "the endpoint answered 404; check the path of --to"],
    [{ failure: "status", status: 502, via: "proxy" }, "the endpoint or the proxy answered 502"],
    [
      { failure: "status", status: 407, via: "proxy" },
      "the endpoint or the proxy answered 407; the proxy wants credentials: put them into its variable, as http://user:password@host:port",
    ],
    [
      { failure: "unreachable", code: "ECONNREFUSED" },
      "the endpoint is unreachable: nothing listens at its address (ECONNREFUSED)",
    ],
    [
      { failure: "unreachable", code: "ECONNREFUSED", via: "proxy" },
      "the proxy that the environment sets is unreachable: nothing listens at its address (ECONNREFUSED)",
    ],
    [
      { failure: "unreachable", code: "CERT_HAS_EXPIRED", via: "proxy" },
      "the endpoint is unreachable: its certificate has expired (CERT_HAS_EXPIRED)",
    ],
    [{ failure: "unreachable", code: "EWHATEVER" }, "the endpoint is unreachable (EWHATEVER)"],
    [
      { failure: "unreachable", code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
      "the endpoint is unreachable: its certificate is not trusted; set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority (DEPTH_ZERO_SELF_SIGNED_CERT)",
    ],
    [{ failure: "unreachable", code: undefined }, "the endpoint is unreachable"],
    [
      { failure: "not-started", code: "E2BIG" },
      "the command could not be started: the event id or type is too long for its environment (E2BIG)",
    ],
    [{ failure: "not-started", code: "EWHATEVER" }, "the command could not be started (EWHATEVER)"],
    [
      { failure: "not-started", code: "EAGAIN" },
      "the command could not be started: this user has too many processes; lower --concurrency, or raise the limit (ulimit -u) (EAGAIN)",
    ],
    [{ failure: "exit", exitCode: 3 }, "the command exited with code 3"],
    [{ failure: "exit", exitCode: 127 }, "the command exited with code 127 (in a shell: a program does not exist)"],
    [{ failure: "killed", by: "SIGKILL" }, "the command was killed by SIGKILL"],
    [{ failure: "timeout", timeoutMs: 1_500, of: "command" }, "the command did not finish within 1.5 s (--timeout)"],
    [{ failure: "timeout", timeoutMs: 30_000, of: "endpoint" }, "the endpoint did not answer within 30 s (--timeout)"],
    [{ failure: "aborted" }, "the dispatch was aborted, because its reservation was about to end"],
    [{ failure: "latchkey", code: "store-unavailable", message: "The store is away" }, "The store is away"],
    [
      { failure: "latchkey", code: "fingerprint-mismatch", message: "mismatch" },
      "another payload was dispatched under this id: two events share it; identify them by another field with --id",
    ],
  ])("explains %j", (failure, sentence) => {
    expect(failureText(failure)).toBe(sentence);
  });
});

const named = { line: 7, eventId: "e-1", type: "order.paid", key: dedupKey("run", "e-1") };
const LINES: ReadonlyArray<readonly [LineResult, string | undefined]> = [
  [{ ...named, outcome: "dispatched", commit: "confirmed", attempts: 1 }, undefined],
  [{ ...named, outcome: "dispatched", commit: "adopted", attempts: 2 }, undefined],
  [
    { ...named, outcome: "dispatched", commit: "superseded", attempts: 1 },
    "line 7  superseded  order.paid e-1: dispatched, but another process took the event over: it may have run twice",
  ],
  [
    { ...named, outcome: "dispatched", commit: "unconfirmed", attempts: 1 },
    "line 7  unconfirmed  order.paid e-1: dispatched, but the store did not confirm the commit: the event may run again",
  ],
  [{ ...named, outcome: "duplicate" }, undefined],
  [
    { ...named, outcome: "failed", failure: { failure: "exit", exitCode: 1 }, attempts: 1 },
    "line 7  failed  order.paid e-1: the command exited with code 1",
  ],
  [
    { ...named, outcome: "failed", failure: { failure: "exit", exitCode: 1 }, attempts: 3 },
    "line 7  failed  order.paid e-1: the command exited with code 1 (3 attempts)",
  ],
  [{ ...named, outcome: "unfinished", attempts: 0 }, "line 7  unfinished  order.paid e-1: not started"],
  [{ ...named, outcome: "unfinished", attempts: 1 }, "line 7  unfinished  order.paid e-1: aborted during its dispatch"],
  [
    { outcome: "unreadable", line: 7, problem: { problem: "not-json" } },
    "line 7  unreadable  not JSON: expected one JSON object",
  ],
];

describe("the report of a run over lines", () => {
  const account = linesReport("http://localhost/hook", () => 0.426);

  it.each(LINES)("describes %j as %s", (result, sentence) => {
    expect(lineText(result, plain)).toBe(sentence);
  });

  it("counts every result", () => {
    const tally = LINES.map(([result]) => result).reduce(addLine, emptyTally);
    expect(tally).toEqual({
      lines: 10,
      dispatched: 4,
      retried: 1,
      doubtful: 2,
      duplicates: 1,
      failed: 2,
      unreadable: 1,
      unfinished: 2,
    });
    expect(account.summary(tally).map(({ label, number }) => [label, number])).toEqual([
      ["dispatched", 4],
      ["duplicates", 1],
      ["failed", 2],
      ["unreadable", 1],
      ["unfinished", 2],
      ["doubtful", 2],
    ]);
    expect(account.progress(tally, 2_000)).toBe(
      "42 % · 10 lines · 4 dispatched · 1 duplicate · 2 failed · 1 unreadable · 5/s",
    );
    expect(account.headline(tally, 2_000)).toBe("10 lines to http://localhost/hook in 2.0 s (5/s)");
  });

  it("omits rows and parts whose number is 0", () => {
    const quiet = linesReport("x", () => undefined);
    expect(quiet.progress(emptyTally, 0)).toBe("0 lines · 0 dispatched · 0 duplicates · 0/s");
    expect(quiet.summary(emptyTally)).toEqual([
      { label: "dispatched", number: 0 },
      { label: "duplicates", number: 0 },
    ]);
  });

  it("is a success if no line failed, was unreadable, unfinished or doubtful", () => {
    for (const [result] of LINES) {
      const isGood =
        result.outcome === "duplicate" ||
        (result.outcome === "dispatched" && (result.commit === "confirmed" || result.commit === "adopted"));
      expect(linesSucceeded(addLine(emptyTally, result))).toBe(isGood);
    }
  });

  it("adds the reason as text to the JSON output", () => {
    expect(LINES.map(([result]) => result).map((result) => reasonIn(account.toJson(result)))).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      "the command exited with code 1",
      "the command exited with code 1",
      undefined,
      undefined,
      "not JSON: expected one JSON object",
    ]);
  });
});

const message = { sequence: 7, deliveries: 1, eventId: "e-1", key: dedupKey("run", "e-1") };
const DELIVERIES: ReadonlyArray<readonly [DeliveryResult, string | undefined]> = [
  [{ ...message, outcome: "dispatched", commit: "confirmed", attempt: 1 }, undefined],
  [{ ...message, outcome: "dispatched", commit: "adopted", attempt: 2 }, undefined],
  [
    { ...message, outcome: "dispatched", commit: "unconfirmed", attempt: 1 },
    "message 7  unconfirmed  e-1: dispatched, but the store did not confirm the commit: the event may run again",
  ],
  [{ ...message, outcome: "duplicate" }, undefined],
  [{ ...message, outcome: "nak", delayMs: 250, lost: false }, undefined],
  [
    { ...message, deliveries: 2, outcome: "nak", delayMs: 2_000, lost: false, reason: "boom" },
    "message 7, delivery 2  nak  e-1: boom; redelivered in 2.0 s",
  ],
  [
    { ...message, deliveries: 5, outcome: "nak", delayMs: 0, lost: true },
    "message 7, delivery 5  lost  e-1: this was its last delivery (max_deliver)",
  ],
  [{ ...message, outcome: "dead-lettered", reason: "boom" }, "message 7  dead letter  e-1: boom"],
  [
    { sequence: 8, deliveries: 1, outcome: "dead-lettered", reason: "no identity" },
    "message 8  dead letter  without identity: no identity",
  ],
  [
    { ...message, outcome: "dead-letter-lost", reason: "sealed" },
    "message 7  lost  e-1: the dead letter could not be stored: sealed",
  ],
];

describe("the report of a run over a stream", () => {
  it.each(DELIVERIES)("describes %j as %s", (result, sentence) => {
    expect(deliveryText(result, plain)).toBe(sentence);
  });

  it("counts every result", () => {
    const tally = DELIVERIES.map(([result]) => result).reduce(addDelivery, emptyStreamTally);
    expect(tally).toEqual({
      deliveries: 10,
      dispatched: 3,
      retried: 1,
      doubtful: 1,
      duplicates: 1,
      naks: 3,
      deadLettered: 2,
      deadLettersLost: 1,
      lost: 1,
    });
    const account = streamReport("http://localhost/hook", true);
    expect(account.progress(tally, 3_000)).toBe(
      "10 deliveries · 3 dispatched · 1 duplicate · 3 naks · 2 dead letters · 3/s",
    );
    expect(account.progress(emptyStreamTally, 1)).toBe("0 deliveries · 0 dispatched · 0 duplicates · 0/s");
    expect(account.headline(tally, 12_000)).toBe("10 deliveries to http://localhost/hook in 12 s");
    expect(account.summary(tally)).toEqual([
      { label: "dispatched", number: 3, remark: "1 after a retry" },
      { label: "duplicates", number: 1, remark: "not dispatched again" },
      { label: "naks", number: 3, remark: "redelivered later" },
      { label: "dead letters", number: 2 },
      { label: "letters lost", number: 1, remark: "terminated, and the dead letter could not be stored" },
      { label: "lost", number: 1, remark: "of the naks: the consumer's max_deliver was reached" },
      { label: "doubtful", number: 1, remark: "of those dispatched: they may run twice" },
    ]);
  });

  it("is a success unless a delivery was dead-lettered, lost or doubtful", () => {
    const good = DELIVERIES.map(([result]) => streamSucceeded(addDelivery(emptyStreamTally, result)));
    expect(good).toEqual([true, true, false, true, true, true, false, false, false, false]);
  });
});

describe("the result of a delivery", () => {
  const fields = { stream: "S", consumer: "C", atMs: 0, subject: "s", sequence: 7, deliveries: 2 };
  const identity = resolveIdentity({ subscriptionId: "run", eventId: "e-1" });
  const audit = (detail: MessageAudit): Audit => ({ ...fields, identity, ...detail });
  const boom = new Error("boom");
  const failed = audit({
    type: "trigger.dispatch.failed",
    attempt: 1,
    failures: 1,
    unseen: 0,
    permanent: false,
    error: boom,
  });

  it("contains the reason of the failed dispatch once", () => {
    const results = new DeliveryResults();
    const put = audit({ type: "trigger.nakked", delay: "backoff", delayMs: 1_000, lost: false });
    expect(results.take(failed)).toBeUndefined();
    expect(results.take(put)).toMatchObject({ outcome: "nak", reason: "boom", eventId: "e-1", deliveries: 2 });
    expect(results.take(put)).not.toHaveProperty("reason");
    expect(results.take(audit({ type: "trigger.refused", error: "away" }))).toBeUndefined();
    expect(results.take(put)).toMatchObject({ reason: "away" });
  });

  it("contains the dispatch's reason, its own error, or its kind for a dead letter", () => {
    const results = new DeliveryResults();
    const letter = { type: "trigger.dead-lettered", reason: "last-delivery", copy: "whole" } as const;
    results.take(failed);
    expect(results.take(audit({ ...letter, error: new Error("its own") }))).toMatchObject({ reason: "boom" });
    expect(results.take(audit({ ...letter, error: new Error("its own") }))).toMatchObject({ reason: "its own" });
    expect(results.take(audit(letter))).toMatchObject({ outcome: "dead-lettered", reason: "last-delivery" });
  });

  it("is undefined for audit events that do not end a delivery", () => {
    const results = new DeliveryResults();
    const consumer = { stream: "S", consumer: "C", atMs: 0 };
    const others: readonly Audit[] = [
      audit({ type: "trigger.ack.unconfirmed", refused: false }),
      audit({ type: "trigger.dead-letter.failed", reason: "max-deliver", error: boom }),
      { ...consumer, type: "trigger.pull.failed", error: boom },
    ];
    expect(others.map((other) => results.take(other))).toEqual([undefined, undefined, undefined]);
    expect(others.map(auditText)).toEqual([
      undefined,
      "Storing message 7 as a dead letter failed, retrying: boom",
      "Fetching messages failed, retrying: boom",
    ]);
  });
});

describe("untrusted text", () => {
  it("is printed on one line without control characters, and truncated", () => {
    expect(printable("a\nb\u001b[2J\u202e")).toBe("a\\u{a}b\\u{1b}[2J\\u{202e}");
    expect(printable("x".repeat(101))).toBe(`${"x".repeat(100)}…`);
  });

  it("is the message of any thrown value", () => {
    expect([errorMessage(new Error("boom")), errorMessage("boom"), errorMessage(undefined)]).toEqual([
      "boom",
      "boom",
      "undefined",
    ]);
    const withoutStack = Object.assign(new LatchkeyError("closed", "boom"), { stack: undefined });
    expect(unexpectedError(withoutStack)).toBe("Unexpected error. Please report it: boom");
    expect(unexpectedError("boom")).toBe("Unexpected error. Please report it: boom");
    expect(unexpectedError(new Error("boom"))).toMatch(/^Unexpected error. Please report it: Error: boom\n {4}at /);
  });
});
