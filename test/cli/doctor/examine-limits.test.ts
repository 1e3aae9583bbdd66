import { describe, expect, it } from "vitest";
import { examinePullLimits, examineRecordSize } from "../../../src/cli/doctor/examine-limits.ts";

type Config = Parameters<typeof examineRecordSize>[0];

function configWith(maxMsgSize: number): Config {
  const config: unknown = { max_msg_size: maxMsgSize };
  const isConfig = (_: unknown): _ is Config => true;
  if (!isConfig(config)) throw new Error("unreachable");
  return config;
}

describe("the size of a record", () => {
  it.each([
    [1_048_576, -1, "ok", "a record has at most 1.0 MB, the server's `max_payload`"],
    [1_048_576, 10_000, "note", "results beyond about 9.3 kB are not kept"],
    [20_000, 1_000_000, "note", "20 kB, the server's `max_payload`"],
    [1_048_576, 1_000, "error", "events whose ids have more than about 300 bytes are refused"],
    [1_048_576, 100, "error", "events whose ids have more than about 0 bytes are refused"],
    [undefined, -1, "ok", "records of any size are stored"],
  ])("is judged by `max_payload` %s and `max_msg_size` %s as %s", (maxPayload, maxMsgSize, severity, evidence) => {
    const finding = examineRecordSize(configWith(maxMsgSize), maxPayload);
    expect(finding).toMatchObject({ severity, evidence: expect.stringContaining(evidence) });
  });
});

describe("the limits of a pull", () => {
  const base = { ack_policy: "explicit", deliver_policy: "all", replay_policy: "instant" } as const;

  it("are named", () => {
    expect(examinePullLimits({ ...base, max_batch: 5, max_expires: 2_000_000_000, max_bytes: 1_000 })).toMatchObject([
      {
        evidence:
          "one request of a replica is limited to 5 messages (`max_batch`), 2 s of waiting (`max_expires`), 1.0 kB (`max_bytes`)",
      },
    ]);
  });

  it("are no finding if there are none", () => {
    expect(examinePullLimits(base)).toEqual([]);
  });
});
