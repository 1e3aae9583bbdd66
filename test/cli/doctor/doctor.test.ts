import { describe, expect, it } from "vitest";
import { bytesText } from "../../../src/cli/doctor/bytes-text.ts";
import { countsText, findingsText } from "../../../src/cli/doctor/doctor-text.ts";
import { examinePeers } from "../../../src/cli/doctor/examine-bucket.ts";
import { examineOwnClock, examineRecordTimes, examineServerClocks } from "../../../src/cli/doctor/examine-clocks.ts";
import { examineVersions } from "../../../src/cli/doctor/examine-server.ts";
import { RecordExaminer } from "../../../src/cli/doctor/record-examiner.ts";
import { RecordTimes } from "../../../src/cli/doctor/record-times.ts";
import type { ReservedKey } from "../../../src/cli/stored-keys/stored-key.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";

const SKEW_MS = 2_000;
const NOW = 100_000_000;
const identity = resolveIdentity({ subscriptionId: "billing", eventId: "1" });

interface Held {
  readonly heldMs: number;
  readonly leaseMs?: number;
  readonly owner?: string;
  /** Time at which it was stored, and the lag of the owner's clock, in milliseconds. */
  readonly storedAtMs?: number;
  readonly behindMs?: number;
}

/** Returns a reservation that has just been renewed. */
function reserved({ heldMs, leaseMs = 30_000, owner = "web-1", storedAtMs = NOW, behindMs = 0 }: Held): ReservedKey {
  const { workspaceId, subscriptionId, eventId, storeKey } = identity;
  const ids = { workspaceId, subscriptionId, eventId };
  return {
    ...{ state: "reserved", bucket: "b", subject: "s", key: storeKey, identity, fence: 1, revision: 9, storedAtMs },
    record: {
      ...{ v: 1, state: "reserved", ...ids, owner, token: "t", attempt: 1, fence: 1, leaseMs },
      atMs: storedAtMs - behindMs,
    },
    ...{ endsAtMs: storedAtMs + leaseMs + SKEW_MS, leaseEndsAtMs: storedAtMs + leaseMs, heldSinceMs: NOW - heldMs },
  };
}

describe("the examination of records", () => {
  it.each([
    [600_000, 30_000, false],
    [601_000, 30_000, true],
    [1_200_000, 120_000, false],
    [1_201_000, 120_000, true],
  ])("reports whether %d ms are long for a lease of %d ms: %s", (heldMs, leaseMs, isLong) => {
    const records = new RecordExaminer(SKEW_MS);
    records.add(reserved({ heldMs, leaseMs }), NOW);
    const found = records.findings().filter(({ severity }) => severity !== "ok");
    expect(found.map(({ check, severity }) => [check, severity])).toEqual(isLong ? [["long-held", "warning"]] : []);
  });

  it.each([
    [undefined, "never removed"],
    [NOW + 7 * 86_400_000, "removed in 7 d"],
  ])("reports when an endless reservation is removed: %s", (endsAtMs, text) => {
    const records = new RecordExaminer(SKEW_MS);
    records.add({ ...reserved({ heldMs: 0 }), endsAtMs }, NOW);
    expect(records.findings().at(-1)).toMatchObject({
      ...{ check: "endless", severity: "error" },
      evidence: `Reservation does not end with its lease: 1 event, billing 1 (web-1, ${text})`,
    });
  });

  it("names the longest reservations", () => {
    const records = new RecordExaminer(SKEW_MS);
    for (const minutes of [20, 60, 30, 40]) {
      records.add(reserved({ heldMs: minutes * 60_000, owner: `web-${minutes}` }), NOW);
    }
    expect(records.findings().at(-1)?.evidence).toBe(
      "Handler has been running for long: 4 events, billing 1 (web-60, held for 60 min), billing 1 (web-40, held for 40 min), billing 1 (web-30, held for 30 min), …",
    );
  });
});

describe("the examination of clocks", () => {
  it("ignores differences within the measuring uncertainty", () => {
    expect(examineOwnClock({ offsetMs: 900, uncertaintyMs: 450 })).toMatchObject({ severity: "ok" });
    expect(examineOwnClock({ offsetMs: 900, uncertaintyMs: 10 })).toMatchObject({
      severity: "warning",
      evidence: expect.stringMatching(/^900 ms behind the server, with an uncertainty of 10 ms: /),
    });
    expect(examineOwnClock(undefined)).toMatchObject({
      severity: "note",
      evidence: "the server does not report its time",
    });
  });

  it("finds servers whose clocks differ, and reports an error beyond the skew", () => {
    const at = (offsetMs: number) => ({ offsetMs, uncertaintyMs: 100 });
    expect(examineServerClocks([], SKEW_MS)).toEqual([]);
    expect(examineServerClocks([at(0), undefined, at(650)], SKEW_MS)).toEqual([]);
    expect(examineServerClocks([at(0), at(-1_200)], SKEW_MS)).toMatchObject([
      { check: "servers", severity: "warning", evidence: expect.stringContaining("differ by 1000 ms") },
    ]);
    expect(examineServerClocks([at(50), at(-3_000), at(100)], SKEW_MS)).toMatchObject([
      { severity: "error", evidence: expect.stringContaining("that exceeds the skew of 2 s") },
    ]);
  });

  it("finds a step back in the times of records", () => {
    const times = new RecordTimes();
    for (const storedAtMs of [1_000, 5_000, 2_000, 9_000]) times.note(reserved({ heldMs: 0, storedAtMs }));
    expect(times.largestStepBackMs).toBe(3_000);
    expect(examineRecordTimes(times, SKEW_MS)).toMatchObject([{ check: "servers", severity: "error" }]);
    expect(examineRecordTimes(times, 4_000)).toMatchObject([{ check: "servers", severity: "warning" }]);
  });

  it("does not compare the times of different buckets", () => {
    const times = new RecordTimes();
    for (const storedAtMs of [9_000, 1_000]) {
      times.beginBucket();
      times.note(reserved({ heldMs: 0, storedAtMs }));
    }
    expect(times.largestStepBackMs).toBe(0);
  });

  it("judges an owner by its fastest write", () => {
    const times = new RecordTimes();
    for (const behindMs of [60_000, 1_500]) times.note(reserved({ heldMs: 0, owner: "slow", behindMs }));
    times.note(reserved({ heldMs: 0, owner: "early", behindMs: -3_000 }));
    expect(times.largestOffsets(SKEW_MS)).toEqual([{ owner: "early", offsetMs: -3_000 }]);
    expect(examineRecordTimes(times, SKEW_MS)).toMatchObject([
      { check: "owners", severity: "warning", evidence: expect.stringContaining("early is 3000 ms ahead of it") },
    ]);
  });
});

describe("the examination of a server", () => {
  it.each([
    [{ here: "2.15.1", there: "2.12.6" }, true, "ok"],
    [{ here: "2.11.10" }, false, "note"],
    [{ here: "2.15.1", there: "2.12.5" }, true, "warning"],
    [{ here: "2.15.1", there: "2.12.0" }, true, "error"],
    [{ here: "" }, false, "error"],
  ])("judges %j by the oldest version (in a cluster: %s) as %s", (versions, isCluster, severity) => {
    expect(examineVersions(versions, isCluster).severity).toBe(severity);
  });
});

describe("the examination of a bucket's servers", () => {
  const peer = (name: string, state: { offline?: boolean; current?: boolean; lag?: number } = {}) => ({
    ...{ name, current: true, offline: false, active: 0, lag: 0 },
    ...state,
  });

  it.each([
    [3, undefined, [["error", "the bucket has no leader: nothing can be reserved or committed"]]],
    [
      3,
      { leader: "", replicas: [peer("n2")] },
      [["error", "the bucket has no leader: nothing can be reserved or committed"]],
    ],
    [3, { leader: "n1", replicas: [peer("n2"), peer("n3")] }, [["ok", "n1 leads, and all followers are current"]]],
    [
      3,
      { leader: "n1", replicas: [peer("n2", { current: false, lag: 1_200 }), peer("n3", { offline: true })] },
      [["warning", "n1 leads, but n2 is 1,200 writes behind, n3 is offline"]],
    ],
    [1, { leader: "n1" }, []],
  ])("judges %d servers by the report %j", (count, cluster, found) => {
    expect(examinePeers(count, cluster).map(({ severity, evidence }) => [severity, evidence])).toEqual(found);
  });
});

describe("the text of findings", () => {
  const paint = (_: string, text: string): string => text;

  it("groups findings by area, each with its remedy", () => {
    const text = findingsText(
      [
        { area: "records", check: "keys", severity: "ok", evidence: "there are no keys", remedy: undefined },
        { area: "server", check: "version", severity: "error", evidence: "old", remedy: "upgrade" },
      ],
      { paint, columns: 80 },
    );
    expect(text).toBe("server\n  ✗ version  old\n             → upgrade\nrecords\n  ✓ keys     there are no keys\n");
  });

  it.each([
    [{ ok: 3, note: 0, warning: 0, error: 0 }, "✓ 3 checks passed\n"],
    [{ ok: 1, note: 2, warning: 0, error: 0 }, "✓ 2 notes; 1 check passed\n"],
    [{ ok: 0, note: 1, warning: 2, error: 0 }, "! 2 warnings, 1 note; 0 checks passed\n"],
    [{ ok: 4, note: 0, warning: 1, error: 1 }, "✗ 1 error, 1 warning; 4 checks passed\n"],
  ])("counts findings: %j", (counts, text) => {
    expect(countsText(counts, paint)).toBe(text);
  });

  it.each([
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1_000, "1.0 kB"],
    [85_400, "85 kB"],
    [1_250_000_000, "1.3 GB"],
    [5e15, "5000 TB"],
  ])("formats %d bytes as %s", (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });
});
