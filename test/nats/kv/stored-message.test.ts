import { headers } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { storedMessage } from "../../../src/nats/kv/stored-message.ts";

const message = { subject: "s", revision: 1, payload: "", time: "2026-11-24T14:09:44.635843995Z" };

describe("storedMessage", () => {
  it.each([
    ["30s", 30_000],
    ["30", 30_000],
    ["1h30m", 5_400_000],
    ["1500ms", 1_000],
    ["1.5m", 90_000],
    ["2000000us", 2_000],
    ["never", undefined],
    ["", undefined],
    ["soon", undefined],
    ["1s and more", undefined],
  ])("reads a Nats-TTL of %j as the server does", (ttl, ttlMs) => {
    const fields = headers();
    fields.set("Nats-TTL", ttl);
    expect(storedMessage(fields, message).ttlMs).toBe(ttlMs);
  });

  it("reads a message without headers as a record without a time to live", () => {
    expect(storedMessage(undefined, message)).toEqual({
      subject: "s",
      revision: 1,
      payload: "",
      storedAtMs: Date.parse("2026-11-24T14:09:44.635Z"),
      ttlMs: undefined,
      isTombstone: false,
    });
  });
});
