import { describe, expect, it } from "vitest";
import { serverRefusal } from "../../../src/nats/kv/bucket-judgement.ts";

describe("a server", () => {
  it.each([
    ["2.9.10", "lets several writers win"],
    ["2.10.27", "ignores the time to live"],
    ["2.11.9", "can miss the end of a time to live"],
    ["2.12.0", "can miss the end of a time to live"],
    ["", "does not report a version"],
    ["next", "does not report a version"],
  ])("is refused with version `%s` as the leader of a bucket, because it %s", (version, why) => {
    const message = serverRefusal(version, "The server that leads bucket dedup")?.message;
    expect(message).toMatch(/^The server that leads bucket dedup cannot keep the guarantees: its version is /);
    expect(message).toContain("needs nats-server 2.11.10 or later, and not 2.12.0");
    expect(message).toContain(why);
  });

  it.each(["2.11.10", "2.11.17", "2.12.1", "2.12.6", "2.14.5", "2.15.1", "3.0.0"])(
    "is accepted with version `%s`",
    (version) => {
      expect(serverRefusal(version)).toBeUndefined();
    },
  );
});
