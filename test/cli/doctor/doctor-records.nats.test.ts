import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { type Clock, systemClock } from "../../../src/internal/clock.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { diagnosed } from "../../support/diagnosis.ts";
import { eventually } from "../../support/eventually.ts";
import { type OperatedBucket, operatedBucket } from "../../support/operated-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

const keyOf = (eventId: string): string => resolveIdentity({ subscriptionId: "billing", eventId }).storeKey;

/** Encodes a reservation with the given lease and a constant time. */
function reservation(eventId: string, leaseMs: number): string {
  return JSON.stringify({
    ...{ v: 1, state: "reserved", workspaceId: "default", subscriptionId: "billing", eventId },
    ...{ owner: "web-7", token: "t", attempt: 1, fence: 0, leaseMs, atMs: Date.now() },
  });
}

const diagnosis = ({ bucket }: OperatedBucket, env = {}) => diagnosed(nats.server, ["--bucket", bucket], { env });

describe("latchkey doctor on records", () => {
  it("counts keys by state", async () => {
    await using operated = await operatedBucket(nats.server);
    const web = operated.replica("web-1");
    await web.guard({ subscriptionId: "billing", eventId: "1" }, () => "");
    await web.reserve({ subscriptionId: "billing", eventId: "2" });
    const { bad, of } = await diagnosis(operated);
    expect(bad).toEqual([]);
    expect(of("records", "keys")).toMatchObject([{ evidence: "1 reserved, 1 committed" }]);
  });

  it("finds unreadable records and foreign messages", async () => {
    await using operated = await operatedBucket(nats.server);
    await operated.write(keyOf("1"), "rubbish");
    await operated.write(keyOf("2"), JSON.stringify({ v: 2 }));
    await operated.write(keyOf("3"), reservation("4", 1_000));
    await operated.write("foreign", "{}");
    const { exitCode, bad, of } = await diagnosis(operated);
    expect([exitCode, bad]).toEqual([1, ["error records unreadable", "warning records foreign"]]);
    expect(of("records", "unreadable")).toMatchObject([
      {
        evidence: expect.stringMatching(
          /^3 records are unreadable, so their events cannot be dispatched: .*does not hold JSON\..*, …$/,
        ),
        remedy: expect.stringContaining("latchkey clear --all --state unreadable"),
      },
    ]);
    expect(of("records", "foreign")).toMatchObject([
      { evidence: `1 record has no valid Latchkey key: $KV.${operated.bucket}.foreign` },
    ]);
    expect(of("records", "keys")).toMatchObject([{ evidence: "4 unreadable" }]);
  });

  it("finds endless and overdue reservations", async () => {
    await using operated = await operatedBucket(nats.server);
    await operated.write(keyOf("endless"), reservation("endless", 3_600_000));
    await operated.write(keyOf("overdue"), reservation("overdue", 1));
    await operated.write(keyOf("right"), reservation("right", 60_000), { "Nats-TTL": "62s" });
    const young = await diagnosis(operated);
    expect(young.of("records", "endless")).toMatchObject([
      { severity: "error", evidence: expect.stringMatching(/^Reservation does not end with its lease: 2 events, /) },
    ]);
    const overdue = await eventually("the reservation to be overdue", async () => {
      const found = await diagnosis(operated, { LATCHKEY_SKEW_SECONDS: "0" });
      return found.of("records", "overdue").length > 0 ? found : undefined;
    });
    // Without an allowance, a slow write looks like a clock that differs.
    const bad = overdue.bad.filter((finding) => finding !== "warning clocks owners");
    expect(bad).toEqual(["error records overdue", "error records endless"]);
    expect(overdue.of("records", "overdue")).toMatchObject([
      {
        evidence: expect.stringMatching(
          /^Reservation was not removed: 1 event, billing overdue \(web-7, lease ended [\d.]+ m?s ago\)$/,
        ),
        remedy: expect.stringContaining("allow_msg_ttl"),
      },
    ]);
  });

  it("finds events with many attempts", async () => {
    await using operated = await operatedBucket(nats.server);
    const web = operated.replica("web-1");
    for (const [id, attempt] of [
      ["1", 4],
      ["2", 5],
      ["3", 9],
      ["4", 7],
      ["5", 6],
    ] as const) {
      await web.reserve({ subscriptionId: "billing", eventId: id }, { attempt });
    }
    const { bad, of } = await diagnosis(operated);
    expect(bad).toEqual(["warning records retried"]);
    expect(of("records", "retried")).toMatchObject([
      {
        evidence:
          "More than 3 attempts: 5 events, billing 3 (web-1, attempt 9), billing 4 (web-1, attempt 7), billing 5 (web-1, attempt 6), …",
      },
    ]);
  });

  it("finds owners whose clock differs from the server's", async () => {
    await using operated = await operatedBucket(nats.server);
    const shifted = (byMs: number): Clock => ({ ...systemClock, wallMs: () => systemClock.wallMs() + byMs });
    for (const [owner, byMs] of [
      ["early", 60_000],
      ["late", -3_600_000],
      ["right", 0],
    ] as const) {
      const replica = new Deduplicator({ store: operated.store, owner, clock: shifted(byMs) });
      await replica.guard({ subscriptionId: "billing", eventId: owner }, () => "");
      await replica.close();
    }
    const { exitCode, bad, of } = await diagnosis(operated);
    expect([exitCode, bad]).toEqual([0, ["warning clocks owners"]]);
    expect(of("clocks", "owners")).toMatchObject([
      { evidence: expect.stringMatching(/: late is 60 min behind it, early is (59|60) s ahead of it; /) },
    ]);
  });
});
