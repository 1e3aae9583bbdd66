import { describe, expect, it } from "vitest";
import { FingerprintMismatchError, PermanentError } from "../../../src/errors.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { type DeadLetterCause, deadLetterHeaders, terminationReason } from "../../../src/nats/consumer/dead-letter.ts";
import { receivedMessage } from "../../support/received-message.ts";

const identity = resolveIdentity({ workspaceId: "acme", subscriptionId: "sub-1", eventId: "évt 1" });
const letter: DeadLetterCause = {
  reason: "permanent-error",
  consumer: "worker",
  identity,
  error: new PermanentError("No such\n shop"),
  content: "whole",
};

describe("headers of a dead letter", () => {
  it("contain the reason, the origin and the message's own headers", () => {
    const message = receivedMessage({
      headers: {
        "ce-id": "e-1",
        Accept: ["a", "b"],
        "Nats-Msg-Id": "m",
        "Nats-Expected-Stream": "OTHER",
        "nats-ttl": "1s",
      },
      subject: "events.shop",
      sequence: 7,
      deliveries: 3,
    });
    expect(Object.fromEntries(deadLetterHeaders(message, letter))).toEqual({
      "ce-id": ["e-1"],
      Accept: ["a", "b"],
      "Latchkey-Original-Nats-Msg-Id": ["m"],
      "Latchkey-Original-Nats-Expected-Stream": ["OTHER"],
      "Latchkey-Original-nats-ttl": ["1s"],
      "Latchkey-Reason": ["permanent-error"],
      "Latchkey-Error": ["No such shop"],
      "Latchkey-Key": [identity.key],
      "Latchkey-Identity-Workspace": ["acme"],
      "Latchkey-Identity-Subscription": ["sub-1"],
      "Latchkey-Identity-Event": ["%C3%A9vt%201"],
      "Latchkey-Consumer": ["worker"],
      "Latchkey-Deliveries": ["3"],
      "Latchkey-Original-Subject": ["events.shop"],
      "Latchkey-Original-Stream": ["EVENTS"],
      "Latchkey-Original-Sequence": ["7"],
      "Latchkey-Original-Time": ["2023-11-14T22:13:20.000Z"],
    });
  });

  it("contain the last reason if a dead letter becomes one again", () => {
    const headers = { "Latchkey-Reason": "max-deliver", "Latchkey-Error": "then", "Latchkey-Key": "k" };
    const again = { ...letter, identity: undefined, error: undefined, reason: "unidentifiable" } as const;
    const all = deadLetterHeaders(receivedMessage({ headers }), again);
    expect(all.values("Latchkey-Reason")).toEqual(["unidentifiable"]);
    expect(all.has("Latchkey-Error")).toBe(false);
    expect(all.has("Latchkey-Key")).toBe(false);
  });

  it("contain the revision of the commit with the other fingerprint", () => {
    const error = new FingerprintMismatchError(identity.key, 12);
    const cause = { ...letter, reason: "fingerprint-mismatch", error } as const;
    expect(deadLetterHeaders(receivedMessage(), cause).get("Latchkey-Commit-Revision")).toBe("12");
  });

  it("contain only the reason and the origin without the body", () => {
    const message = receivedMessage({ headers: { "ce-id": "e-1", "Nats-Msg-Id": "m" }, sequence: 7, data: "12345" });
    const all = deadLetterHeaders(message, { ...letter, content: "without-body" });
    expect(all.keys().filter((name) => !name.startsWith("Latchkey-"))).toEqual([]);
    expect(all.get("Latchkey-Omitted-Bytes")).toBe("5");
    expect(all.get("Latchkey-Original-Sequence")).toBe("7");
    expect(all.has("Latchkey-Original-Nats-Msg-Id")).toBe(false);
  });

  it("report that the message's own headers are unreadable", () => {
    const headers = new TextEncoder().encode("NATS/1.0\r\nx: a\nb\r\n\r\n");
    const all = deadLetterHeaders(receivedMessage({ headers }), letter);
    expect(all.get("Latchkey-Original-Headers")).toBe("unreadable");
    expect(all.get("Latchkey-Reason")).toBe("permanent-error");
  });

  it.each<[string, unknown, string]>([
    ["on one line of ASCII", new Error("line 1\r\n\tline 2 \u{1f600} é\u0000"), "line 1 line 2 ? ??"],
    ["shortened", new Error("x".repeat(1_000)), `${"x".repeat(197)}...`],
    ["by its name, without a message", new RangeError(""), "RangeError"],
    ["as the string that was thrown", "just so", "just so"],
    ["as an empty text if another value was thrown", { payload: "secret" }, ""],
  ])("contain the error %s", (_, error, said) => {
    const headers = deadLetterHeaders(receivedMessage(), { ...letter, error });
    expect(headers.get("Latchkey-Error")).toBe(said);
    expect(terminationReason("max-deliver", error)).toBe(said === "" ? "max-deliver" : `max-deliver: ${said}`);
  });
});
