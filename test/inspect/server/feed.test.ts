import { describe, expect, it } from "vitest";
import type { FeedMessage, Overview } from "../../../src/inspect/server/wire.ts";
import { event, unseen, world } from "../../support/replicas.ts";
import { inspected } from "./inspected.ts";

const overviewOf = (message: FeedMessage | undefined): Overview | undefined => message?.overview;
const more = (id: number) => ({ ...event, eventId: `evt-${id}` });

describe("the feed", () => {
  it("sends the attempts in flight, then the changes, each with an id to resume from", async () => {
    await using its = inspected();
    const reservation = await unseen(its.replica.dedup.reserve(event));
    const feed = await its.feed();
    const begin = await feed.next();
    expect(begin?.id).toBeUndefined();
    expect(begin?.message).toMatchObject({
      type: "begin",
      source: { sees: "process", name: "web-1", canChange: true, skewMs: 2_000, bucketMs: 1_000 },
      overview: { totals: { reserved: 1 }, trace: [{ type: "reserved" }], notices: [], store: { state: "available" } },
    });
    expect(overviewOf(begin?.message)?.transitions).toEqual({ "unseen.claiming write.acked reserved": 1 });
    const initial = await feed.next();
    expect(initial?.message).toMatchObject({
      ...{ type: "update", gone: [], more: false },
      attempts: [{ owner: "web-1", hold: "held", identity: { eventId: "evt-1" }, leaseMs: 30_000 }],
    });
    expect(initial?.id).toMatch(/^[\da-f]{12}(-\d+){4}$/);
    expect(JSON.stringify(initial)).not.toMatch(/"(began|changed|key)"/);

    await reservation.commit();
    const over = await feed.next();
    expect(over?.message).toMatchObject({
      ...{ type: "update", attempts: [], more: false },
      gone: [initial?.message?.type === "update" ? initial.message.attempts[0]?.id : ""],
      overview: { totals: { committed: 1 }, points: [{ counts: [1, 0, 0, 0, 0, 0] }] },
    });
    expect(overviewOf(over?.message)?.trace.map(({ type }) => type)).toEqual(["dispatched", "committed"]);
    await feed.cancel();
  });

  it("resumes for a reader that reconnects", async () => {
    await using its = inspected();
    const feed = await its.feed();
    await feed.next();
    const id = (await feed.next())?.id ?? "";
    await feed.cancel();
    await unseen(its.replica.dedup.reserve(event));
    const again = await (await its.feed({ "last-event-id": id })).next();
    expect(again?.message).toMatchObject({ type: "update", attempts: [{ owner: "web-1" }] });
    expect(overviewOf(again?.message)?.trace.map(({ type }) => type)).toEqual(["reserved"]);
  });

  it.each(["", "rubbish", "000000000000-1-1-1-1", "1-2-3"])(
    "starts from scratch for a reader that resumes with %j, the id of another recording or none",
    async (id) => {
      await using its = inspected();
      expect((await (await its.feed({ "last-event-id": id })).next())?.message?.type).toBe("begin");
    },
  );

  it("starts from scratch for a reader that was away too long", async () => {
    await using its = inspected();
    const feed = await its.feed();
    await feed.next();
    const id = (await feed.next())?.id ?? "";
    for (let at = 0; at < 7_000; at += 1) await its.replica.dedup.guard(more(at), () => {});
    expect((await (await its.feed({ "last-event-id": id })).next())?.message?.type).toBe("begin");
    expect((await feed.next())?.message?.type).toBe("begin");
  });

  it("sends many attempts in chunks, and buffers nothing for a slow reader", async () => {
    await using its = inspected();
    const reservations = [];
    for (let at = 0; at < 2_500; at += 1) reservations.push(await unseen(its.replica.dedup.reserve(more(at))));
    const feed = await its.feed();
    const messages = await feed.all();
    expect(messages.map((message) => (message.type === "update" ? message.attempts.length : "begin"))).toEqual([
      ...["begin", 1_000, 1_000, 500],
    ]);
    for (const { fence, commit } of reservations) if (fence % 2 === 0) await commit.call(reservations[fence - 1]);
    await its.world.pass(10_500);
    const [update, ...rest] = await feed.all();
    if (update?.type !== "update") throw new Error("There was no update");
    expect(update.gone).toHaveLength(1_250);
    expect(update.overview?.trace).toHaveLength(100);
    // All remaining attempts were renewed. Each is sent once, in its current state.
    const sent = [update, ...rest].flatMap((message) => (message.type === "update" ? message.attempts : []));
    expect(sent.map(({ renewals }) => renewals)).toEqual(Array.from({ length: 1_250 }, () => 1));
    expect(rest).toHaveLength(1);
  });

  it("sends keep-alive comments when nothing happens, and ends when the server closes", async () => {
    await using its = inspected();
    const feed = await its.feed();
    await feed.next();
    await feed.next();
    expect((await feed.next())?.text).toBe(": keep-alive\n\n");
    const closing = its.inspector.close();
    expect(await feed.next()).toBeUndefined();
    await closing;
    expect(await (await its.feed()).next()).toBeUndefined();
  });

  it("leaves no timer and no subscription behind when it closes", async () => {
    const { clock } = world();
    const its = inspected({ clock });
    const other = its.world.replica("web-2").dedup;
    const detach = its.inspector.attach(other);
    its.inspector.attach(other);
    await other.guard(event, () => {});
    detach();
    await other.guard(more(2), () => {});
    const recording = await (await its.ask("/api/recording")).text();
    expect(recording.match(/"type":"reserved"/g)).toHaveLength(1);
    await its.inspector.close();
    expect(clock.timers).toBe(0);
    its.inspector.attach(other);
    await other.guard(more(3), () => {});
    expect(await (await its.ask("/api/recording")).text()).toBe(recording);
  });

  it("reports leases that end without a renewal", async () => {
    await using its = inspected();
    const other = its.world.replica("web-2", { renew: false }).dedup;
    const detach = its.inspector.attach(other);
    await unseen(other.reserve(event));
    detach();
    await its.world.pass(33_000);
    const [begin] = await (await its.feed()).all();
    expect(overviewOf(begin)?.notices).toMatchObject([
      { concern: "lapsed", replica: "web-2", times: 1, resolved: false },
    ]);
  });
});
